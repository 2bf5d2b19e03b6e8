"""One suite, all builders: the same plan gives the same files, config and behaviour.

What may differ between an image that kfslim made and one that an engine made is listed here, and
in docs/dockerfiles.md.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from parts.check_image import check_image
from parts.command import AS_DECLARED, check_refused, run_here, shared_cache
from parts.images import make_image
from parts.need import missing
from parts.real_registry import Registry
from parts.rootfs import Node, flatten
from parts.served import serve
from parts.toy import container_pipeline
from parts.wheels import Index

from kfslim.cache import Cache
from kfslim.dockerfile.model import BuildFiles
from kfslim.engine.buildkit import find_client
from kfslim.engine.connection import BuildEngine
from kfslim.errors import GateError
from kfslim.flow.building import nodes_name
from kfslim.flow.context import Context
from kfslim.flow.dockerfiles import PIP
from kfslim.flow.engine_building import EngineBuilder, check_files
from kfslim.flow.recompressing import for_engine
from kfslim.flow.traffic import Traffic
from kfslim.lock.uv import find_uv
from kfslim.measure.image import measure
from kfslim.measure.label import LABEL
from kfslim.model import load_document
from kfslim.oci import Image, open_store, parse_reference
from kfslim.oci.image import OCI_LAYER_GZIP
from kfslim.plan.model import LABEL_BUILDER, LABEL_STEP, Plan, StepPlan
from kfslim.steps.configfile import load_config

pytestmark = pytest.mark.network  # the base comes from a Debian mirror

STEPS = ("bare", "compiled")
BUILDERS = ("daemonless", "classic", "buildkit")
CONFIG = """\
base = "deb:bookworm"
python = "3.11"
[steps.compiled]
requirements = ["alpha==1.0"]
os_packages = ["libyaml-0-2"]
projects = ["lib"]
[steps.bare]
requirements = ["beta==2.0", "delta==1.0"]
bytecode = "none"
keep = {tests = ["beta"]}
projects = ["src"]
"""
PROJECT = '[project]\nname = "mylib"\nversion = "1.5"\n[build-system]\nrequires = ["setuptools"]\n'
FILES = {
    "kfslim.toml": CONFIG,
    "pipeline.yaml": container_pipeline(*STEPS),
    "src/tools/__init__.py": "",
    "src/tools/__main__.py": "import beta\nprint('tools', beta.BETA)\n",
    "src/.env": "PASSWORD=open-sesame\n",
    "lib/pyproject.toml": PROJECT,
    "lib/mylib/__init__.py": "import gamma\nANSWER = len(gamma.NAME)\n",
}
# step -> command and what it prints
RUNS = [
    ("compiled", ("alpha-tool",), "alpha and gamma"),
    ("compiled", ("alpha-script",), "a script of alpha"),
    ("compiled", ("python3", "-m", "alpha"), "alpha and gamma"),
    ("bare", ("python3", "-m", "tools"), "tools 2"),
    ("bare", ("python", "-c", "import delta; print(delta.built)"), "True"),
    ("compiled", ("python3", "-c", "import mylib; print(mylib.ANSWER)"), "5"),
]
# What installers write about themselves, and the few lines by which they start a program.
MAY_DIFFER = re.compile(r"\.dist-info/(RECORD|INSTALLER|REQUESTED|direct_url\.json)$")
STARTERS = ("opt/kfslim/bin/alpha-tool",)


def fill(index: Index) -> None:
    body = b"import gamma\ndef main():\n    print('alpha and', gamma.NAME)\n"
    index.wheel(
        "alpha",
        "1.0",
        {
            "alpha/__init__.py": body,
            "alpha/__main__.py": b"from alpha import main\nmain()\n",
            "alpha/table.csv": b"1;2\n",
            "alpha/py.typed": b"",
            "alpha/tests/test_alpha.py": b"import alpha\n",
            "alpha-1.0.data/scripts/alpha-script": b"#!python\nprint('a script of alpha')\n",
            "alpha-1.0.data/data/share/alpha/read.me": b"Hello\n",
            "alpha-1.0.dist-info/entry_points.txt": b"[console_scripts]\nalpha-tool = alpha:main\n",
        },
        requires=("gamma",),
    )
    index.wheel("gamma", "0.1", {"gamma.py": b"NAME = 'gamma'\n"})
    index.wheel("beta", "2.0", {"beta.py": b"BETA = 2\n", "beta_extra/tests/test_b.py": b""})
    index.sdist("delta", "1.0")


def add_pip(index: Index, folder: Path) -> None:
    """Add the real pip, with which the engine's builder stage installs."""
    words = (find_uv(), "pip", "install", "--target", folder, "--python", sys.executable, PIP)
    subprocess.run(words, check=True, capture_output=True)
    (info,) = folder.glob("pip-*.dist-info")
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in (folder / "pip").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    index.wheel("pip", info.name.removesuffix(".dist-info").removeprefix("pip-"), files)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return shared_cache(tmp_path_factory)


class World:
    """A folder with a pipeline, an index over HTTP, and a layout for what each builder makes."""

    def __init__(self, folder, cache, url: str) -> None:
        self.folder = folder
        self.environ = {"UV_DEFAULT_INDEX": f"{url}/simple", "KFSLIM_CACHE_DIR": str(cache)}
        self.plan = folder / "plan.json"

    def layout(self, builder: str) -> str:
        return f"oci:{self.folder}/{builder}"

    def name(self, builder: str, step: StepPlan) -> str:
        """Return what an engine calls the image."""
        return f"{nodes_name(parse_reference(self.layout(builder)))}:{step.tag_by('engine')}"

    @property
    def steps(self) -> tuple[StepPlan, ...]:
        return load_document(Plan, self.plan).steps

    def run(self, *words: object, **environ: str) -> Any:
        return run_here(*words, **self.environ, **environ)

    def build(self, builder: str, *more: object, **environ: str) -> Any:
        named = () if builder == "daemonless" else ("--builder", "engine", "--dialect", builder)
        to = ("--to", self.layout(builder))
        return self.run("build", self.plan, *to, *named, *more, **environ)


@pytest.fixture(scope="module")
def world(tmp_path_factory, cache) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    for path, text in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    fill(index := Index(folder / "index"))
    add_pip(index, folder / "pip")
    with serve(index.root) as url:
        made = World(folder, cache, url)
        places = (
            "--to",
            made.layout("daemonless"),
            "-o",
            folder / "slim.yaml",
            "--plan",
            made.plan,
        )
        done = made.run("slim", folder / "pipeline.yaml", "--no-before", *AS_DECLARED, *places)
        assert done.returncode == 0, done.stderr
        yield made


@pytest.fixture(scope="module")
def built(world: World, engine: str) -> Iterator[dict[str, dict[str, Image]]]:
    """Builder -> step -> its image at the destination."""
    images = {}
    for builder in BUILDERS:
        if builder == "buildkit" and find_client() is None:
            continue
        done = world.build(builder)
        assert done.returncode == 0, f"{builder}: {done.stderr}"
        store = open_store(world.layout(builder))
        mark = "" if builder == "daemonless" else "engine"
        images[builder] = {s.name: store.read(s.tag_by(mark)) for s in world.steps}
    yield images
    with BuildEngine("classic") as there:
        for builder in BUILDERS[1:]:
            for step in world.steps:
                there.drop(world.name(builder, step))


@pytest.fixture(params=BUILDERS)
def builder(built, request: pytest.FixtureRequest) -> str:
    if request.param not in built:
        missing("no docker client here can build with BuildKit")
    return request.param


def comparable(image: Image) -> dict[str, Node]:
    """Return what must be the same in every builder's image."""
    return {
        path: node._replace(sha256="") if path in STARTERS else node
        for path, node in flatten(image).items()
        if not MAY_DIFFER.search(path)
    }


@pytest.mark.parametrize("step", STEPS)
def test_the_image_is_sound(built, builder: str, step: str) -> None:
    check_image(None, built[builder][step], ours=builder == "daemonless")


@pytest.mark.parametrize("step", STEPS)
def test_the_root_filesystem_is_the_same(built, builder: str, step: str) -> None:
    ours, theirs = comparable(built["daemonless"][step]), comparable(built[builder][step])
    assert {p: n for p, n in theirs.items() if ours.get(p) != n} == {}
    assert ours.keys() - theirs.keys() == set()


@pytest.mark.parametrize("step", STEPS)
def test_the_config_is_the_same(built, builder: str, step: str) -> None:
    def config(image: Image) -> dict[str, Any]:
        told = {k: v for k, v in image.runtime.items() if v}
        labels = told.pop("Labels")
        known = {k: v for k, v in labels.items() if k not in (LABEL, LABEL_BUILDER)}
        return {**{k: told.get(k) for k in KEYS}, "Labels": known, "Env": image.env}

    assert config(built[builder][step]) == config(built["daemonless"][step])
    assert built[builder][step].platform == built["daemonless"][step].platform


KEYS = ("User", "WorkingDir", "Entrypoint", "Cmd", "ExposedPorts", "Volumes", "StopSignal")


@pytest.mark.parametrize("step", STEPS)
def test_it_measures_the_same(built, builder: str, step: str) -> None:
    def told(image: Image) -> Any:
        full = measure(image, "", full=True)
        return (
            {(d.name, d.version) for d in full.distributions},
            {(p.name, p.version) for p in full.os_packages},
            full.python and full.python.model_dump(),
        )

    assert told(built[builder][step]) == told(built["daemonless"][step])


@pytest.fixture(scope="module")
def containers(built) -> Iterator[Any]:
    import docker

    names = {
        (builder, step): f"kfslim-test/builders:{builder}-{step}"
        for builder, images in built.items()
        for step in images
    }
    with BuildEngine("classic") as there:
        for (builder, step), name in names.items():
            there.load(built[builder][step], name)
        yield docker.from_env().containers, names
        for name in names.values():
            there.drop(name)


@pytest.mark.parametrize(("step", "command", "prints"), RUNS)
def test_it_behaves_the_same(containers, builder: str, step, command, prints) -> None:
    there, names = containers
    said = there.run(
        names[builder, step],
        list(command[1:]),
        entrypoint=list(command[:1]),
        network_mode="none",
        read_only=True,
        remove=True,
    )
    assert said.decode().strip() == prints


def test_each_says_who_made_it(built, world: World) -> None:
    for builder, images in built.items():
        for step in world.steps:
            labels = images[step.name].labels
            assert labels[LABEL_STEP] == step.step_digest
            assert labels.get(LABEL_BUILDER, "") == ("" if builder == "daemonless" else "engine")


def test_no_secret_of_the_project_is_in_any_image(built) -> None:
    for images in built.values():
        assert not [path for path in flatten(images["bare"]) if path.endswith(".env")]


def test_what_is_there_is_not_built_again(built, world: World, tmp_path) -> None:
    """Also where the engine is gone: one look-up says that there is nothing to do."""
    for builder in built:
        nobody = f"unix://{tmp_path}/nobody.sock"
        again = world.build(builder, "--json", DOCKER_HOST=nobody)
        assert again.returncode == 0, again.stderr
        told = json.loads(again.stdout)
        assert {step["unchanged"] for step in told["steps"]} == {True}
        assert told["pushed_bytes"] == 0


def test_the_engine_has_the_image_under_the_name_that_nodes_pull(built, world: World) -> None:
    with BuildEngine("classic") as there:
        for step in world.steps:
            assert there.has(world.name("classic", step))
            assert there.has(built["classic"][step.name].config_descriptor.digest)


def test_one_place_may_hold_what_both_made(built, world: World) -> None:
    """Pins are of the builder that is named; both are kept as long as a plan names the step."""
    to, store = ("--to", world.layout("classic")), open_store(world.layout("classic"))
    done = world.run("build", world.plan, *to)
    assert done.returncode == 0, done.stderr
    words = ("pin", world.folder / "pipeline.yaml", "--plan", world.plan, *to)
    done = world.run(*words, "--builder", "engine")
    assert done.returncode == 0, done.stderr
    for step in world.steps:
        assert store.resolve(step.tag_by("engine")).digest in done.stdout
        assert store.resolve(step.tag).digest not in done.stdout
    done = world.run("prune", to[1], "--keep", world.plan, "--dry-run", "--json")
    assert json.loads(done.stdout)["removed"] == []


def test_without_an_engine(world: World, tmp_path) -> None:
    nobody = f"unix://{tmp_path}/nobody.sock"
    words = ("build", world.plan, "--to", f"oci:{tmp_path}/empty", "--builder", "engine")
    check_refused(world.run(*words, DOCKER_HOST=nobody), 3, "Docker Engine does not answer")
    assert not (tmp_path / "empty").exists()


def test_a_dialect_is_the_engines(world: World) -> None:
    words = ("build", world.plan, "--to", world.layout("daemonless"), "--dialect", "classic")
    check_refused(world.run(*words), 2, "--dialect is one of --builder engine")


def test_slim_pins_what_the_engine_made(built, world: World, tmp_path) -> None:
    words = ("slim", world.folder / "pipeline.yaml", "--no-before", *AS_DECLARED)
    places = ("--plan", world.plan, "--to", world.layout("classic"), "-o", tmp_path / "slim.yaml")
    done = world.run(*words, *places, "--builder", "engine", "--dialect", "classic")
    assert done.returncode == 0, done.stderr
    pinned = (tmp_path / "slim.yaml").read_text()
    for step in world.steps:
        assert built["classic"][step.name].digest in pinned


def test_what_was_not_published_leaves_nothing(
    built, world: World, cache, tmp_path, monkeypatch
) -> None:
    """Whoever stops before a step is published finds the engine as it was."""
    monkeypatch.setenv("UV_DEFAULT_INDEX", world.environ["UV_DEFAULT_INDEX"])
    first = world.steps[0]
    new = first.images[0].model_copy(update={"trial": ""})  # another label: an image of its own
    step = first.model_copy(update={"images": (new,)})
    context = Context(Cache(cache), load_config(world.folder / "kfslim.toml"))
    with BuildEngine("classic") as there, context:
        before = there.images()
        store = context.store(f"oci:{tmp_path}/never")
        with closing(EngineBuilder("classic").build(context, [step], store, Traffic())) as made:
            next(made)
            assert there.images() != before
        assert there.images() == before
        assert not there.has(f"localhost/never:{step.tag_by('engine')}")


def test_a_context_with_a_secret_is_not_built(world: World) -> None:
    files = BuildFiles({"Dockerfile": b"FROM scratch\n", "src/.env": b"TOKEN=abc\n"}, "Dockerfile")
    with pytest.raises(GateError, match=r"step bare: the build context holds .*src/\.env"):
        check_files(world.steps[0], files)


def test_a_zstd_base_becomes_one_that_every_engine_loads(cache) -> None:
    image = make_image({"a": b"1"}, {"b": b"2"}, codec="zstd")
    loadable = for_engine(Cache(cache), image)
    check_image(None, loadable)
    assert loadable.config_bytes == image.config_bytes
    assert flatten(loadable) == flatten(image)
    assert {one.descriptor.media_type for one in loadable.layers} == {OCI_LAYER_GZIP}


def test_a_registry_gets_what_the_engine_knows(built, world: World, registry: Registry) -> None:
    """What it pulls back by digest is what it built: the same id."""
    import docker

    to = registry.reference("ml/builders")
    words = ("build", world.plan, "--to", to, "--builder", "engine", "--dialect", "classic")
    done = world.run(*words, "--json")
    assert done.returncode == 0, done.stderr
    step = json.loads(done.stdout)["steps"][0]
    client = docker.from_env()
    pulled = client.api.inspect_image(client.images.pull(step["reference"]).id)
    client.close()
    assert pulled["Id"] == built["classic"][step["name"]].config_descriptor.digest
    with BuildEngine("classic") as there:
        for one in world.steps:
            there.drop(f"{registry.host}/ml/builders:{one.tag_by('engine')}")
        there.drop(step["reference"])
