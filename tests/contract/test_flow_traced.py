"""Bytecode by trace in whole images: what is shared, what is the same, and that it is loaded."""

import json

import pytest
from parts.check_image import check_image
from parts.command import make_pipeline, result, shared_cache
from parts.need import missing

from kfslim.build.traced import compiled_by
from kfslim.cache import Cache
from kfslim.measure.image import measure
from kfslim.measure.label import from_label
from kfslim.oci import Platform, open_store
from kfslim.plan.make import with_trace
from kfslim.plan.model import Plan
from kfslim.trial.model import Task, Trace
from kfslim.trial.private_root import PrivateRoot

pytestmark = pytest.mark.network

STEPS = {
    "one": ["certifi==2025.8.3", "markupsafe==3.0.2"],
    "two": ["certifi==2025.8.3", "six==1.16.0"],
}
MODULES = {
    "certifi": ["certifi", "certifi.core", "certifi.__main__"],
    "markupsafe": ["markupsafe", "markupsafe._native", "markupsafe._speedups"],
    "six": ["six"],
}
LOADED = {
    "one": ("certifi/__init__.py", "markupsafe/__init__.py"),
    "two": ("certifi/__init__.py", "certifi/core.py", "six.py"),
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return shared_cache(tmp_path_factory)


@pytest.fixture(scope="module")
def tried(tmp_path_factory, cache):
    """The plan and the images that a trial is given: no bytecode."""
    folder = tmp_path_factory.mktemp("tried")
    (folder / "pipeline.yaml").write_text(make_pipeline(STEPS))
    words = (
        "plan",
        folder / "pipeline.yaml",
        "--no-before",
        "--no-audit",
        "--base",
        "deb:bookworm",
    )
    result(*words, "--bytecode", "none", "-o", folder / "plan.json", cache=cache)
    plan = Plan.model_validate_json((folder / "plan.json").read_text())
    return plan, images(folder / "plan.json", folder / "images", cache)


def images(path, layout, cache):
    """The steps' images after building ``path``, by name."""
    built = result("build", path, "--to", f"oci:{layout}", cache=cache)
    store = open_store(f"oci:{layout}")
    digests = {step["name"]: step["reference"].rpartition("@")[2] for step in built["steps"]}
    for tag in store.tags():
        check_image(store, store.read(tag), ours=True)
    return {name: store.read(digest, Platform()) for name, digest in digests.items()}


def traced(step):
    """The step after a run that loaded some modules, and the executor."""
    (image,) = step.images
    site = f"{image.environment}/lib/python3.11/site-packages"
    paths = (*LOADED[step.name], *(p for p in image.runtime.modules if p.endswith(".py")))
    trace = Trace(
        step=step.name,
        step_digest=step.step_digest,
        level="run",
        modules={path: f"{site}/{path}" for path in paths},
    )
    final = with_trace(image, compiled_by(trace, image, MODULES))
    return step.model_copy(update={"images": (final,)})


@pytest.fixture(scope="module")
def final(tried, tmp_path_factory, cache):
    plan = tried[0].model_copy(update={"steps": tuple(traced(step) for step in tried[0].steps)})
    folder = tmp_path_factory.mktemp("final")
    plan.save(folder / "plan.json")
    return folder, images(folder / "plan.json", folder / "images", cache)


def digests_of(image):
    return [layer.descriptor.digest for layer in image.layers]


def test_only_a_small_layer_is_added_to_what_was_tried(tried, final):
    for name, image in final[1].items():
        before = digests_of(tried[1][name])
        assert digests_of(image)[:-1] == before
        assert image.layers[-1].descriptor.size < 100_000
    history = json.loads(final[1]["one"].config_bytes)["history"]
    assert history[-1]["created_by"] == "kfslim: bytecode of what was imported"


def test_a_cold_cache_gives_the_same_images_and_remembers_them(final, tmp_path):
    folder, made = final
    wanted = {name: image.digest for name, image in made.items()}

    def build():
        again = images(folder / "plan.json", tmp_path / "images", tmp_path / "cache")
        return {name: image.digest for name, image in again.items()}

    def in_cache():
        tops = {
            image.layers[-1].descriptor.digest.removeprefix("sha256:") for image in made.values()
        }
        return [path for path in (tmp_path / "cache").rglob("*") if path.name in tops]

    assert build() == wanted
    assert len(in_cache()) == 2
    # Now only the destination has the blobs, under no tag: nothing is compiled for it again.
    for blob in in_cache():
        blob.unlink()
    index = tmp_path / "images" / "index.json"
    index.write_text(json.dumps({**json.loads(index.read_text()), "manifests": []}))
    assert build() == wanted
    assert not in_cache()


def test_python_of_the_image_loads_it(final, tmp_path, cache):
    runner = PrivateRoot(Cache(cache))
    if refusal := runner.refusal():
        missing(refusal)
    code = "import certifi.core, six, kfp.dsl.executor_main"
    task = Task(("python3", "-v", "-c", code), tmp_path, env={"_KFP_RUNTIME": "true"})
    ran = runner.run(final[1]["two"], task)
    assert ran.passed, ran.log
    site = "/opt/kfslim/lib/python3.11/site-packages"
    for pyc in (
        "certifi/__pycache__/core.cpython-311.pyc",
        "__pycache__/six.cpython-311.pyc",
        "kfp/dsl/__pycache__/executor_main.cpython-311.pyc",
    ):
        assert f"# code object from '{site}/{pyc}'" in ran.log
    assert f"# wrote '{site}" not in ran.log


def test_a_distribution_counts_its_bytecode(final, tried):
    for name in STEPS:
        before, after = sizes(tried[1][name]), sizes(final[1][name])
        grown = {name for name in after if after[name] > before[name]}
        assert grown == {"kfp", "certifi", "six" if name == "two" else "markupsafe"}


def sizes(image):
    """Bytes by distribution, as the label tells, which is what reading the image tells."""
    told, read = from_label(image), measure(image, "")
    found = {d.name: d.disk_bytes for d in read.distributions}
    assert {d.name: d.disk_bytes for d in told.distributions} == found
    return found
