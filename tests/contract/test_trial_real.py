"""A step of a pipeline is tried in an image of its own, in a private root, as a flow tries it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from parts.images import make_layer
from parts.need import missing

from kfslim.cache import Cache
from kfslim.errors import KfslimError, Unsupported
from kfslim.flow.bases import find_base
from kfslim.flow.context import Context
from kfslim.lock.executor import executor
from kfslim.lock.install import install
from kfslim.lock.model import Lock, Locked
from kfslim.lock.target import LINUX_AMD64
from kfslim.oci import Image, Platform
from kfslim.oci.compress import current_codec
from kfslim.plan.model import BasePlan, ImagePlan, PythonFacts
from kfslim.steps.config import TrialSettings
from kfslim.steps.model import Declared, Step
from kfslim.steps.sightings import Import
from kfslim.trial.cases import Case, case_for, wanted_from
from kfslim.trial.choose import choose
from kfslim.trial.inputs import Artifact, Given
from kfslim.trial.judge import try_image
from kfslim.trial.model import Verdict

pytestmark = [pytest.mark.network, pytest.mark.real]

SITE = "usr/lib/python3/dist-packages"
RUNNER = (
    'program_path=$(mktemp -d)\n\nprintf "%s" "$0" > "$program_path/ephemeral_component.py"\n'
    "_KFP_RUNTIME=true python3 -m kfp.dsl.executor_main --component_module_path "
    '"$program_path/ephemeral_component.py" "$@"\n'
)
SOURCE = """
import kfp
from kfp import dsl
from kfp.dsl import *
from typing import *

def go(data: Input[Dataset], n: int, model: Output[Model]) -> str:
    import upper
    with open(data.path) as text, open(model.path, "w") as out:
        out.write(upper.shout(text.read()) * n)
    model.metadata["n"] = n
    return model.path
"""
COMPONENT = {
    "inputDefinitions": {
        "parameters": {"n": {"parameterType": "NUMBER_INTEGER"}},
        "artifacts": {"data": {"artifactType": {"schemaTitle": "system.Dataset"}}},
    },
    "outputDefinitions": {
        "parameters": {"Output": {"parameterType": "STRING"}},
        "artifacts": {"model": {"artifactType": {"schemaTitle": "system.Model"}}},
    },
}
UPPER = {
    "upper/__init__.py": b"import lower\n\ndef shout(text):\n    from upper import words\n"
    b"    return words.of(text)\n",
    "upper/words.py": b"def of(text):\n    return text.upper()\n",
    "upper/unused.py": b"",
}
LOWER = {"lower.py": b""}


def distribution(name: str, files: Mapping[str, bytes], requires: str = "") -> dict[str, bytes]:
    info = f"{name}-1.0.dist-info"
    paper = f"Name: {name}\nVersion: 1.0\n{requires}"
    return {**files, f"{info}/METADATA": paper.encode(), f"{info}/RECORD": record(files)}


def record(files: Mapping[str, bytes]) -> bytes:
    return "".join(f"{path},,{len(data)}\n" for path, data in files.items()).encode()


FILES = {
    **distribution("upper", UPPER, "Requires-Dist: lower>=1\n"),
    **distribution("lower", LOWER),
}


def locked(name: str) -> Locked:
    return Locked(name=name, version="1.0", file=f"{name}.whl", sha256="", content_bytes=1)


class World:
    """A base with Python, the executor of a kfp version, and a runner."""

    def __init__(self, folder: Path, cache: Cache, kfp: str) -> None:
        self.folder, self.kfp = folder, kfp
        try:
            self.runner = choose("private-root", cache)
            with Context(cache) as context:
                self.base = find_base(context, "deb:bookworm", Platform(), current_codec()).image
                self.runtime = executor(context.uv, kfp, python="3.11.2")
                self.executor = self._files(context)
        except (Unsupported, KfslimError) as error:
            missing(f"no trial in a private root: {error.message}")

    def _files(self, context: Context) -> dict[str, bytes]:
        tree = self.folder / "tree"
        (full,) = install(
            context.uv, [self.runtime], python="3.11.2", platform=LINUX_AMD64, folder=tree
        )
        files = {f.path.partition("site-packages/")[2]: f.source for f in full.files}
        kept = {path: files[path].read_bytes() for path in self.runtime.modules or ()}
        return {**kept, f"kfp-{self.kfp}.dist-info/RECORD": record(kept)}

    def image(self, *without: str) -> Image:
        files = {**self.executor, **FILES}
        kept = {f"{SITE}/{p}": d for p, d in files.items() if not p.startswith(without or ("/",))}
        return self.base.with_layers([make_layer(kept)], [{"created_by": "test"}])

    def plan(self, *names: str) -> ImagePlan:
        python = PythonFacts(version="3.11.2", executable="/usr/bin/python3")
        base = BasePlan(asked="x", digest="x", platform="linux/amd64", python=python)
        lock = Lock(
            declaration="",
            python="3.11",
            platform="linux/amd64",
            requirements=("upper",),
            distributions=tuple(map(locked, names)),
        )
        return ImagePlan(base=base, lock=lock, runtime=self.runtime)

    def case(self) -> Case:
        command = ("sh", "-ec", RUNNER, SOURCE)
        step = Step(
            name="go",
            executor="exec-go",
            kind="lightweight",
            command=command,
            args=("--executor_input", "{{$}}", "--function_to_execute", "go"),
            function="go",
            declared=Declared(kfp_version=self.kfp),
        )
        wanted = wanted_from(
            [Import("upper", "go.py", 8), Import("kfp.dsl", "go.py", 3)], lambda module: True
        )
        return case_for(step, wanted, TrialSettings(), COMPONENT, self.folder)

    def attempt(self, case: Case, image: Image, plan: ImagePlan) -> Verdict:
        folder = self.folder / "trial"
        shutil.rmtree(folder, ignore_errors=True)
        return try_image(self.runner, image, case, plan=plan, folder=folder)


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Cache:
    return Cache(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def world(tmp_path_factory, cache) -> World:
    return World(tmp_path_factory.mktemp("world"), cache, "2.17.0")


def test_a_step_starts_and_runs(world):
    check_start_and_run(world)


def test_artifacts_of_old_executors_have_paths_too(tmp_path, cache):
    check_start_and_run(World(tmp_path, cache, "2.1.3"))


def check_start_and_run(world: World) -> None:
    started = world.attempt(world.case(), world.image(), world.plan("upper", "lower"))
    assert started.passed, started.failures
    assert (started.level, started.runner) == ("start", "private-root")
    (world.folder / "data.csv").write_text("ab")
    given = Given({"n": 2}, {"data": (Artifact(world.folder / "data.csv"),)})
    ran = world.attempt(world.case().running(given), world.image(), world.plan("upper", "lower"))
    assert ran.passed, ran.failures
    assert ran.outputs.artifacts["model"].metadata == {"n": 2}
    place = world.case().place
    assert ran.outputs.parameters == {"Output": f"{place.mount}/out/model"}
    assert (world.folder / "trial" / "run" / "out" / "model").read_text() == "ABAB"


def test_a_trace_names_what_was_used_in_the_image(world):
    trace = world.attempt(world.case(), world.image(), world.plan("upper", "lower")).trace
    assert trace.modules["upper"] == f"/{SITE}/upper/__init__.py"
    assert trace.modules["kfp.dsl.executor"].startswith(f"/{SITE}/kfp/")
    assert not {"upper.words", "upper.unused"} & set(trace.modules)
    paths = [*trace.modules.values(), *trace.files, *trace.mapped, *trace.programs]
    assert not [path for path in paths if str(world.folder) in path or path.startswith("/kfslim")]
    assert any("/libc" in path for path in trace.mapped)


@pytest.mark.parametrize(
    ("without", "planned", "named"),
    [
        (("lower",), ("upper",), "lower"),  # taken out of the plan by hand
        (("lower",), ("upper", "lower"), "lower"),
        (("upper",), ("lower",), "upper"),
        (("upper/unused.py",), ("upper", "lower"), "upper"),
    ],
)
def test_what_is_taken_out_is_missed(world, without, planned, named):
    verdict = world.attempt(world.case(), world.image(*without), world.plan(*planned))
    assert not verdict.passed
    assert named in {n for failure in verdict.failures for n in failure.distributions}


def test_an_executor_that_is_incomplete_is_noticed(world):
    verdict = world.attempt(
        world.case(), world.image("kfp/dsl/executor.py"), world.plan("upper", "lower")
    )
    modules = {name for failure in verdict.failures for name in failure.modules}
    assert {"kfp.dsl.executor"} & modules
