"""The compiled components and pipelines, run by kfp.local as processes of this machine.

The world is a toy (its Python is only a name), the registry and the SDK's executor are real, the
Kubeflow API is a stand-in.  tests/e2e/test_components_docker.py runs the same on kfslim's image.
"""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml
from kfp import dsl, local
from kfp.components import load_component_from_file
from parts.kfp_backend import KfpBackend, start_backend
from parts.real_registry import make_htpasswd, start_registry
from parts.rooms import make_room, visit
from parts.toy import Toy

from kfslim.model import load_document
from kfslim.oci import open_store, parse_reference
from kfslim.pin import verify
from kfslim.trial.task import Question

ROOT = Path(__file__).parents[2]
CONFIG = """\
base = "oci:{folder}/base:toy"
bytecode = "none"
python = "3.11"
[steps.one]
requirements = ["alpha==1.0"]
[steps.two]
requirements = ["alpha==1.0", "beta"]
[cluster]
pull_secrets = ["pull"]
"""

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def environ():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def toy(tmp_path_factory, environ) -> Toy:
    world = Toy.make(tmp_path_factory.mktemp("toy"))
    environ.setenv("KFSLIM_CACHE_DIR", str(world.cache))
    environ.setenv("UV_DEFAULT_INDEX", world.index.url)
    return world


@pytest.fixture(scope="module")
def backend(environ):
    with start_backend(KfpBackend()) as running:
        environ.setenv("KF_PIPELINES_ENDPOINT", running.url)
        yield running


@pytest.fixture(scope="module")
def store(registry):
    opened = open_store(registry.reference("components/toy"))
    yield opened
    opened.close()


def run(kind: str, name: str, root: Path, **arguments) -> Path:
    """Run compiled YAML; return the folder that the run left, a sub-folder per task."""
    root.mkdir(parents=True, exist_ok=True)
    before = set(root.iterdir())
    local.init(local.SubprocessRunner(use_venv=False), pipeline_root=str(root), raise_on_error=True)
    file = "component.yaml" if kind == "components" else "pipeline.yaml"
    load_component_from_file(str(ROOT / kind / name / file))(**arguments)
    (made,) = set(root.iterdir()) - before
    return made


def tasks(folder: Path) -> dict[str, dict]:
    """Return what every task told the SDK, by its folder below the run's."""
    return {
        str(path.parent.relative_to(folder)): json.loads(path.read_text())
        for path in sorted(folder.rglob("executor_output.json"))
    }


def metrics(told: dict) -> dict:
    return told["artifacts"]["metrics"]["artifacts"][0]["metadata"]


@pytest.fixture(scope="module")
def refresh(toy, store, backend, tmp_path_factory):
    """A function that runs the refresh pipeline on the toy's two steps."""
    root = tmp_path_factory.mktemp("run")

    def again() -> Path:
        return run(
            "pipelines", "refresh", root,
            pipeline=toy.pipeline.read_text(),
            registry=store.reference.repository,
            config=CONFIG.format(folder=toy.folder),
            before=False,
        )  # fmt: skip

    return again


@pytest.fixture(scope="module")
def refreshed(refresh) -> Path:
    return refresh()


def parts(told: dict[str, dict], verb: str) -> list[dict]:
    return [value for name, value in told.items() if name.rpartition("/")[2] == verb]


def test_it_plans_assembles_publishes_pins_and_uploads(refreshed, store, backend):
    told = tasks(refreshed)
    assert told["plan"]["parameterValues"]["steps"] == ["one", "two"]
    images = {t["parameterValues"]["image"] for t in parts(told, "publish")}
    assert len(images) == len(parts(told, "assemble")) == 2
    assert told["pin"]["parameterValues"]["steps"] == 2
    text = (refreshed / "pin" / "pinned").read_text()
    spec, platforms = yaml.safe_load_all(text)
    containers = spec["deploymentSpec"]["executors"].values()
    assert {c["container"]["image"] for c in containers} == images
    secrets = platforms["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert secrets["exec-one"]["imagePullSecret"][0]["secretName"] == "pull"
    verify(text)
    (version,) = backend.versions
    assert version.pipeline_version_id == told["upload"]["parameterValues"]["version_id"]
    for image in images:
        assert store.resolve(image.rpartition("@")[2])


def test_candidates_and_final_tags_are_the_same_images(refreshed, store):
    tags = store.tags()
    final = [tag for tag in tags if tag.startswith(("one-", "two-"))]
    assert len(final) == 2
    for tag in final:
        assert store.resolve(f"candidate-{tag}").digest == store.resolve(tag).digest


def test_every_task_shows_figures_markdown_and_a_page(refreshed):
    for name, told in tasks(refreshed).items():
        found = metrics(told)
        assert found["seconds"] > 0, name
        assert all(isinstance(value, int | float) for value in found.values())
        folder = refreshed / name
        assert (folder / "summary").read_text().startswith("# ")
        page = (folder / "report").read_text()
        assert page.startswith("<!doctype html>")
        assert "<script" not in page
        assert "http" not in page.replace("http-equiv", "")


def test_what_assembling_says_adds_up(refreshed):
    for told in parts(tasks(refreshed), "assemble"):
        found = metrics(told)
        assert found["unchanged"] == 0
        assert found["packages"] in (1, 3)
        assert found["content_bytes"] > 0
        assert found["pushed_bytes"] + found["present_bytes"] > 0


def test_a_second_run_changes_nothing_and_says_so(refreshed, refresh, store, backend, registry):
    tags, asked, uploads = store.tags(), len(registry.requests()), len(backend.changes)
    told = tasks(refresh())
    assert store.tags() == tags
    later = registry.requests()[asked:]
    assert later
    assert {request.split()[0] for request in later} <= {"GET", "HEAD"}
    assert len(backend.changes) == uploads
    for task in (*parts(told, "assemble"), *parts(told, "publish")):
        assert metrics(task)["unchanged"] == 1
        assert metrics(task)["pushed_bytes"] == 0
        assert task["parameterValues"]["unchanged"] is True
    assert metrics(told["upload"])["uploaded"] == 0


def test_an_interrupted_run_goes_on_from_its_candidate(refreshed, toy, registry, tmp_path):
    lock = (refreshed / "plan" / "plan").read_text()
    place = registry.reference("components/halfway").removeprefix("docker://")
    arguments = {"registry": place, "lock": lock, "step": "one"}
    first = tasks(run("components", "assemble", tmp_path, **arguments))["assemble"]
    assert ":candidate-one-" in first["parameterValues"]["candidate"]
    second = tasks(run("components", "assemble", tmp_path, **arguments))["assemble"]
    assert second["parameterValues"]["candidate"] == first["parameterValues"]["candidate"]
    assert metrics(second)["pushed_bytes"] == 0


def test_an_upgrade_plans_anew_and_leaves_alone_what_the_step_has_not(
    refreshed, toy, registry, tmp_path
):
    place = registry.reference("components/upgrade").removeprefix("docker://")
    given = {
        "registry": place,
        "lock": (refreshed / "plan" / "plan").read_text(),
        "pipeline": toy.pipeline.read_text(),
        "config": CONFIG.format(folder=toy.folder),
        "before": False,
        "step": "two",
    }
    toy.index.wheel("gamma", "0.2")

    def versions(*names: str) -> dict:
        made = run("components", "assemble", tmp_path, **given, upgrade=list(names))
        followed = json.loads((made / "assemble" / "plan_followed").read_text())
        (image,) = followed["steps"][0]["images"]
        return {d["name"]: d["version"] for d in image["lock"]["distributions"]}

    assert versions("omega")["gamma"] == "0.1"
    assert versions("gamma")["gamma"] == "0.2"
    assert versions()["gamma"] == "0.1"


def test_measure_reads_images_and_a_pipeline(refreshed, store, toy, tmp_path):
    pinned = (refreshed / "pin" / "pinned").read_text()
    image = parts(tasks(refreshed), "assemble")[0]["parameterValues"]["candidate"]
    made = run("pipelines", "measure", tmp_path, images=[image], pipeline=pinned)
    (told,) = tasks(made).values()
    measured = json.loads((made / "measure" / "measured").read_text())
    assert [len(measured["images"]), len(measured["pipelines"][0]["steps"])] == [1, 2]
    assert metrics(told)["images"] == 2
    assert told["parameterValues"]["content_bytes"] == metrics(told)["content_bytes"]


@pytest.fixture(scope="module")
def assembled(refreshed, toy, registry, tmp_path_factory) -> Path:
    """What the task left that assembles the first step's candidate."""
    place = registry.reference("components/tried").removeprefix("docker://")
    lock = (refreshed / "plan" / "plan").read_text()
    made = run(
        "components", "assemble", tmp_path_factory.mktemp("assembled"),
        registry=place, lock=lock, step="one", pipeline=toy.pipeline.read_text(),
        pull_from="nodes.invalid/toy",
    )  # fmt: skip
    return made / "assemble"


def test_what_is_assembled_has_a_name_for_nodes(assembled):
    told = tasks(assembled.parent)["assemble"]["parameterValues"]
    digest = told["candidate"].rpartition("@")[2]
    assert told["image"] == f"nodes.invalid/toy@{digest}"


def tried(assembled: Path, toy: Toy, folder: Path, *wheels: str) -> dict[str, str]:
    """Try the candidate where some wheels are installed; return what ``publish`` is given."""
    folder.mkdir()
    files: dict[str, bytes] = {}
    for name in wheels:
        (wheel,) = toy.index.root.glob(f"{name}-*.whl")
        with ZipFile(wheel) as archive:
            files |= {inside: archive.read(inside) for inside in archive.namelist()}
    question = load_document(Question, assembled / "question")
    visit(make_room(folder / "room", files), question, folder)
    candidate = tasks(assembled.parent)["assemble"]["parameterValues"]["candidate"]
    return {"candidate": candidate, "answer": str(folder / "answer")}


def publish_tried(candidate: str, answer: str, root: Path) -> Path:
    """Run the compiled component on an answer; return the folder that the task left."""
    publish = load_component_from_file(str(ROOT / "components" / "publish" / "component.yaml"))

    @dsl.pipeline(name="tried")
    def made():
        trial = dsl.importer(artifact_uri=answer, artifact_class=dsl.Artifact).output
        publish(candidate=candidate, trial=trial)

    local.init(local.SubprocessRunner(use_venv=False), pipeline_root=str(root), raise_on_error=True)
    made()
    (folder,) = root.glob("*/publish")
    return folder


def test_what_passes_its_trial_is_published(assembled, toy, registry, tmp_path):
    given = tried(assembled, toy, tmp_path / "trial", "alpha")
    left = publish_tried(**given, root=tmp_path / "run")
    told = tasks(left.parent)["publish"]
    assert metrics(told)["tried"] == 1
    assert told["parameterValues"]["unchanged"] is False
    assert "**Trial**: passed: its imports" in (left / "summary").read_text()
    candidate = parse_reference(given["candidate"])
    with closing(open_store(candidate)) as store:
        assert store.resolve(candidate.tag.removeprefix("candidate-")).digest == candidate.digest


def test_what_fails_its_trial_is_not_published(refreshed, toy, registry, tmp_path, capfd):
    place = registry.reference("components/failed").removeprefix("docker://")
    lock = (refreshed / "plan" / "plan").read_text()
    made = run("components", "assemble", tmp_path / "1", registry=place, lock=lock, step="two")
    given = tried(made / "assemble", toy, tmp_path / "trial", "alpha", "beta")
    capfd.readouterr()
    with pytest.raises(RuntimeError):
        publish_tried(**given, root=tmp_path / "run")
    log = "".join(capfd.readouterr())
    assert "the trial of step two failed: the plan has gamma 0.1, but the image does not" in log
    assert f"The candidate stays for looking into: {place}:candidate-two-" in log
    assert "Traceback" not in log
    with closing(open_store(f"docker://{place}")) as store:
        (tag,) = store.tags()
    assert tag.startswith("candidate-two-")


WRONG = {
    "v1 pipeline": (
        "plan", {"pipeline": "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\n"},
        "a KFP v1 (Argo) pipeline",
    ),
    "no plan": ("assemble", {"registry": "{registry}"}, "nothing to assemble"),
    "no lock": ("assemble", {"registry": "{registry}", "lock": "{}"}, "the lock is not a Plan"),
    "a tag": ("assemble", {"registry": "{registry}:1", "lock": "{lock}"}, "the repository only"),
    "no step": (
        "assemble", {"registry": "{registry}", "lock": "{lock}", "step": "three"},
        "no step 'three'",
    ),
    "gone": (
        "publish", {"candidate": "{registry}:candidate-one-0@sha256:" + "0" * 64},
        "is not there; nothing was published",
    ),
    "no candidate": ("publish", {"candidate": "{registry}:one"}, "tag and digest are needed"),
    "nobody": (
        "publish", {"candidate": "127.0.0.1:9/x:candidate-one-0@sha256:" + "0" * 64}, "127.0.0.1:9",
    ),
    "nothing": ("measure", {}, "nothing to measure"),
    "config": ("measure", {"images": ["x"], "config": "bass = 1"}, "unknown key 'bass'"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_bad_input_is_one_sentence_in_the_log(case, refreshed, store, tmp_path, capfd):
    name, given, says = WRONG[case]
    words = {
        "{registry}": store.reference.repository,
        "{lock}": (refreshed / "plan" / "plan").read_text(),
    }
    arguments = {key: filled(value, words) for key, value in given.items()}
    tags = store.tags()
    capfd.readouterr()
    with pytest.raises(RuntimeError):
        run("components", name, tmp_path, **arguments)
    log = "".join(capfd.readouterr())
    assert says in log
    assert len([line for line in log.splitlines() if "kfslim: " in line]) == 1
    assert "Traceback" not in log
    assert store.tags() == tags


@pytest.fixture
def guarded(tmp_path):
    with start_registry(tmp_path / "guarded", htpasswd=make_htpasswd(tmp_path)) as running:
        yield running


@pytest.mark.parametrize(
    ("secret", "says"),
    [("", "No secret is mounted"), ("push-here", "the secret 'push-here'")],
)
def test_without_credentials_it_names_the_secret_and_its_key(
    secret, says, refreshed, guarded, tmp_path, monkeypatch, capfd
):
    monkeypatch.setenv("KFSLIM_REGISTRY_SECRET", secret)
    lock = (refreshed / "plan" / "plan").read_text()
    place = guarded.reference("x/y").removeprefix("docker://")
    capfd.readouterr()
    with pytest.raises(RuntimeError):
        run("components", "assemble", tmp_path / "run", registry=place, lock=lock, step="one")
    log = "".join(capfd.readouterr())
    assert "needs credentials" in log
    assert says in log
    assert ".dockerconfigjson" in log
    assert {request.split()[0] for request in guarded.requests()} <= {"GET", "HEAD"}


def filled(value, words):
    if isinstance(value, str):
        for word, text in words.items():
            value = value.replace(word, text)
    return value
