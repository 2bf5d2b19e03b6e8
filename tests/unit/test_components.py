"""What is compiled is current, complete and loads; what is mapped is what lies in the folders."""

import importlib
import importlib.util
from pathlib import Path

import kfp
import pytest
import yaml
from kfp.components import load_component_from_file

import kfslim.components
from kfslim.dsl import compile as compiling
from kfslim.dsl import kfslim_image
from kfslim.dsl.image import DEFAULT
from kfslim.errors import BadReference
from kfslim.model import load_document, parse_document
from kfslim.plan.model import Plan
from kfslim.steps.tomlfile import read_toml
from kfslim.tasks.packing import unpack

ROOT = Path(__file__).parents[2]
COMPONENTS = kfslim.components.__all__
PIPELINES = compiling.PIPELINES
COMPILED = [
    *(Path("components", name, "component.yaml") for name in COMPONENTS),
    *(Path("pipelines", name, "pipeline.yaml") for name in PIPELINES),
]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Path:
    """All YAML and READMEs, made now."""
    folder = tmp_path_factory.mktemp("fresh")
    for name in COMPONENTS:
        place = folder / "components" / name
        place.mkdir(parents=True)
        source = ROOT / "components" / name / "example.py"
        (place / "example.py").write_bytes(source.read_bytes())
    compiling.compile_all(folder)
    compiling.write_readmes(folder)
    return folder


def document(path: Path) -> dict:
    return next(yaml.safe_load_all((ROOT / path).read_text()))


@pytest.mark.parametrize("path", COMPILED, ids=str)
def test_the_compiled_yaml_is_current(path, fresh):
    sdk = document(path)["sdkVersion"]
    if sdk != f"kfp-{kfp.__version__}":
        pytest.skip(f"compiled with {sdk}; kfp {kfp.__version__} is here")
    assert (fresh / path).read_text() == (ROOT / path).read_text(), "run: make compile"


@pytest.mark.parametrize("name", COMPONENTS)
def test_the_readme_is_current(name, fresh):
    path = Path("components", name, "README.md")
    assert (fresh / path).read_text() == (ROOT / path).read_text(), "run: make compile"


@pytest.mark.parametrize("path", COMPILED, ids=str)
def test_the_sdk_loads_it(path):
    loaded = load_component_from_file(str(ROOT / path))
    assert loaded.component_spec.name == document(path)["pipelineInfo"]["name"]


@pytest.mark.parametrize("name", COMPONENTS)
def test_every_input_and_output_is_described(name):
    spec = getattr(kfslim.components, name).component_spec
    for kind in (spec.inputs, spec.outputs):
        silent = [key for key, value in kind.items() if not value.description]
        assert not silent, silent


@pytest.mark.parametrize("name", COMPONENTS)
def test_the_ui_gets_metrics_one_markdown_and_one_html(name):
    outputs = getattr(kfslim.components, name).component_spec.outputs
    kinds = [str(output.type).partition("@")[0] for output in outputs.values()]
    for kind in ("system.Metrics", "system.Markdown", "system.HTML"):
        assert kinds.count(kind) == 1, kinds


@pytest.mark.parametrize("name", COMPONENTS)
def test_the_metadata_is_what_a_catalogue_wants(name):
    metadata = yaml.safe_load((ROOT / "components" / name / "metadata.yaml").read_text())
    assert metadata["name"] == name
    assert metadata["stability"] in ("experimental", "alpha", "beta", "stable")
    assert metadata["dependencies"]["kubeflow"][0]["name"] == "Pipelines"
    assert metadata["tags"]
    assert metadata["lastVerified"].year >= 2026
    assert (ROOT / metadata["links"]["documentation"]).is_file()


@pytest.mark.parametrize("name", COMPONENTS)
def test_no_component_has_an_input_that_the_compiler_injects(name):
    assert "base_image" not in getattr(kfslim.components, name).component_spec.inputs


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_component_installs_nothing_at_run_time(name):
    (executor,) = document(Path("components", name, "component.yaml"))["deploymentSpec"][
        "executors"
    ].values()
    assert executor["container"]["image"] == DEFAULT
    assert "pip" not in " ".join(executor["container"]["command"][:3])


@pytest.mark.parametrize("name", COMPONENTS)
def test_the_example_compiles(name, tmp_path):
    source = ROOT / "components" / name / "example.py"
    spec = importlib.util.spec_from_file_location(f"example_{name}", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (example,) = (v for v in vars(module).values() if type(v).__name__ == "GraphComponent")
    kfp.compiler.Compiler().compile(example, str(tmp_path / "example.yaml"))
    text = (tmp_path / "example.yaml").read_text()
    tasks = [t for d in yaml.safe_load_all(text) for t in all_tasks(d)]
    ours = [t for t in tasks if t["componentRef"]["name"].removeprefix("comp-") in COMPONENTS]
    assert ours
    assert all(t["cachingOptions"] == {} for t in ours), "a cached build would lie"
    assert all(t["retryPolicy"]["maxRetryCount"] >= 1 for t in ours)


def all_tasks(spec: dict) -> list[dict]:
    dags = [spec.get("root", {}), *spec.get("components", {}).values()]
    return [task for dag in dags for task in dag.get("dag", {}).get("tasks", {}).values()]


@pytest.mark.parametrize("name", sorted(set(PIPELINES) - {"retrain"}))
def test_a_ready_pipeline_has_every_input_described_and_defaulted(name):
    spec = document(Path("pipelines", name, "pipeline.yaml"))
    assert spec["pipelineInfo"]["description"]
    for key, value in spec["root"]["inputDefinitions"]["parameters"].items():
        assert value.get("description"), key
        assert value.get("parameterType"), key
        assert "defaultValue" in value, key


def test_every_dynamic_image_is_one_whole_string_from_one_output():
    spec = document(Path("pipelines", "slim_retrain", "pipeline.yaml"))
    retrain = document(Path("pipelines", "retrain", "pipeline.yaml"))
    tasks = spec["root"]["dag"]["tasks"]
    producers = {}
    for name in retrain["root"]["dag"]["tasks"]:
        inputs = tasks[name]["inputs"]["parameters"]
        given = inputs["base_image"]["runtimeValue"]["constant"]
        (channel,) = [key for key in inputs if given == f"{{{{$.inputs.parameters['{key}']}}}}"]
        source = inputs[channel]["taskOutputParameter"]
        assert source["outputParameterKey"] == "image"
        producers[name] = source["producerTask"]
        executor = spec["deploymentSpec"]["executors"][f"exec-{name}"]["container"]
        assert executor["image"] == given
        assert "pip install" not in " ".join(executor["command"])
    assert len(set(producers.values())) == len(producers), "each step has an image of its own"


def test_the_lock_travels_with_slim_retrain():
    spec = document(Path("pipelines", "slim_retrain", "pipeline.yaml"))
    whole = load_document(Plan, ROOT / "pipelines" / "slim_retrain" / "kfslim.lock.json")
    locks = [
        parse_document(
            Plan, unpack(task["inputs"]["parameters"]["lock"]["runtimeValue"]["constant"]), name
        )
        for name, task in spec["root"]["dag"]["tasks"].items()
        if task["componentRef"]["name"].startswith("comp-assemble")
    ]
    travelling = {step.name: step for lock in locks for step in lock.steps}
    assert travelling == {step.name: step for step in whole.steps}


def test_the_listed_packages_are_the_folders():
    settings = read_toml(ROOT / "pyproject.toml")["tool"]["setuptools"]
    found = {folder_name(path) for path in (ROOT / "kfslim").rglob("*.py")}
    for name, folder in settings["package-dir"].items():
        if name:
            found |= {
                ".".join((name, *path.parent.relative_to(ROOT / folder).parts))
                for path in (ROOT / folder).rglob("__init__.py")
            }
    assert sorted(found) == settings["packages"]


def folder_name(path: Path) -> str:
    return ".".join(path.parent.relative_to(ROOT).parts)


def test_the_mapped_packages_are_the_folders_at_the_top():
    for name in ("components", "pipelines"):
        module = importlib.import_module(f"kfslim.{name}")
        files = {path.name for path in Path(module.__file__).parent.iterdir()}
        assert {path.name for path in (ROOT / name).iterdir()} <= files | {"__pycache__"}


@pytest.mark.parametrize(
    ("argument", "environ", "expected"),
    [
        (None, {}, DEFAULT),
        (None, {"KFSLIM_IMAGE": "registry:5000/kfslim:1"}, "registry:5000/kfslim:1"),
        ("docker://r.io/k:2", {"KFSLIM_IMAGE": "registry:5000/kfslim:1"}, "r.io/k:2"),
    ],
)
def test_the_image_is_one_setting(argument, environ, expected):
    assert kfslim_image(argument, environ) == expected


@pytest.mark.parametrize("wrong", ["oci:images:kfslim", "deb:bookworm", "Registry/Kfslim"])
def test_an_image_that_pods_cannot_pull_is_refused(wrong):
    with pytest.raises(BadReference):
        kfslim_image(wrong)
