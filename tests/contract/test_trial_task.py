"""A task of a pipeline tries a candidate: asked before it, judged after it.

In folders that stand for images everything that can go wrong does.  The compiled component itself
runs in containers of a Docker Engine: on an image as it must be, and on one that lacks something.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache as once
from pathlib import Path

import pytest
from kfp import compiler, dsl
from parts.images import make_layer
from parts.need import missing
from parts.rooms import make_room, pinned_twin, visit
from parts.running import run_pipeline
from parts.wheels import metadata, recorded

from kfslim.cache import Cache
from kfslim.errors import BadPlan, GateError, KfslimError
from kfslim.flow.bases import find_base
from kfslim.flow.context import Context
from kfslim.lock.model import Lock, Locked
from kfslim.oci import Image, Platform, open_store, parse_reference
from kfslim.oci.compress import current_codec
from kfslim.plan.model import BasePlan, ImagePlan, PythonFacts, StepPlan
from kfslim.steps.config import Config
from kfslim.tasks.trying import check_passed, judge, question_for
from kfslim.trial.model import Verdict
from kfslim.trial.task import Question, read_answer

SITE = "usr/lib/python3/dist-packages"
DIGEST = "sha256:" + "1" * 64
CANDIDATE = parse_reference(f"registry:5000/ml/go:candidate-go-1@{DIGEST}")
UPPER = b"import lower\n\ndef shout(text):\n    return text.upper()\n"


@dsl.component(base_image="python:3.11", packages_to_install=["upper==1.0"])
def go(n: int = 1) -> str:
    from upper import shout

    return shout("x") * n


def distribution(name: str, source: bytes, *requires: str) -> dict[str, bytes]:
    info = f"{name}-1.0.dist-info"
    files = {f"{name}.py": source, f"{info}/METADATA": metadata(name, "1.0", requires)}
    record = "".join(f"{path},{recorded(data)}\n" for path, data in files.items())
    return {**files, f"{info}/RECORD": record.encode()}


def files(lower: bytes | None = b"") -> dict[str, bytes]:
    """What an image of the step holds; ``lower`` is the source of one of its distributions."""
    below = distribution("lower", lower) if lower is not None else {}
    return {**executor(), **distribution("upper", UPPER, "lower>=1"), **below}


@once
def executor() -> Mapping[str, bytes]:
    """The modules of kfp that run a step, as this machine has them."""
    code = (
        "import kfp.dsl.executor_main, sys; "
        "print(*(m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'kfp'))"
    )
    env = {**os.environ, "_KFP_RUNTIME": "true"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True)
    paths = [Path(path) for path in done.stdout.decode().split()]
    (top,) = {path.parent.parent for path in paths if path.parts[-2:] == ("kfp", "__init__.py")}
    return {path.relative_to(top).as_posix(): path.read_bytes() for path in paths}


def planned() -> StepPlan:
    python = PythonFacts(version="3.11.2", executable="/usr/bin/python3")
    base = BasePlan(asked="x", digest="x", platform="linux/amd64", python=python)
    lock = Lock(
        declaration="",
        python="3.11",
        platform="linux/amd64",
        requirements=("upper==1.0",),
        distributions=tuple(
            Locked(name=name, version="1.0", file=f"{name}.whl", sha256="", content_bytes=1)
            for name in ("lower", "upper")
        ),
    )
    return StepPlan(name="go", executor="exec-go", images=(ImagePlan(base=base, lock=lock),))


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("compiled") / "go.yaml"
    compiler.Compiler().compile(go, str(path))
    return path.read_text()


@pytest.fixture
def context(tmp_path):
    with Context(Cache(tmp_path / "cache")) as opened:
        yield opened


@pytest.fixture
def question(context, pipeline) -> Question:
    return question_for(context, planned(), pipeline, DIGEST)


def judged(context, room: Path, question: Question, folder: Path) -> Verdict:
    folder.mkdir()
    return judge(context, str(visit(room, question, folder) / "answer"), CANDIDATE)


def test_a_candidate_that_is_as_it_must_be_passes(context, question, tmp_path):
    verdict = judged(context, make_room(tmp_path / "room", files()), question, tmp_path / "task")
    assert verdict.passed, verdict.failures
    assert (verdict.step, verdict.level, verdict.runner) == ("go", "start", "task")
    assert verdict.step_digest == planned().step_digest
    assert {"upper", "lower", "kfp.dsl.executor"} <= set(verdict.trace.modules)
    told = json.loads((tmp_path / "task" / "told" / "executor_output.json").read_text())
    found = told["artifacts"]["metrics"]["artifacts"][0]["metadata"]
    assert found["modules"] == len(question.case.modules)
    assert found["not_imported"] == 0
    assert "# Trial of go" in (tmp_path / "task" / "summary").read_text()
    check_passed(verdict, CANDIDATE)


WRONG = {
    "taken out": (None, "No module named 'lower'"),
    "raises": (b"raise OSError('libgone.so.1: cannot open')", "libgone.so.1"),
    "ends": (b"import os; os._exit(3)", "importing upper ended Python (status 3)"),
    "hangs": (b"import time; time.sleep(99)", "importing upper did not end within 2 seconds"),
    "kills": (b"import os; os.kill(os.getppid(), 9)", "was ended by a signal"),
}


@pytest.mark.parametrize("case", WRONG)
def test_one_that_is_not_fails_with_the_reason(case, context, question, pipeline, tmp_path):
    lower, says = WRONG[case]
    if case == "hangs":
        context.config = Config.model_validate({"trial": {"seconds": 2}})
        question = question_for(context, planned(), pipeline, DIGEST)
    room = make_room(tmp_path / "room", files(lower))
    verdict = judged(context, room, question, tmp_path / "task")
    assert not verdict.passed
    assert says in "\n".join(failure.text for failure in verdict.failures)
    with pytest.raises(GateError, match=r"the trial of step go failed: .*; nothing was published"):
        check_passed(verdict, CANDIDATE)


def test_what_was_taken_out_by_hand_is_named(context, question, tmp_path):
    room = make_room(tmp_path / "room", files(None))
    verdict = judged(context, room, question, tmp_path / "task")
    assert "lower" in {name for failure in verdict.failures for name in failure.distributions}
    summary = (tmp_path / "task" / "summary").read_text()
    assert "upper.shout: ModuleNotFoundError: No module named 'lower'" in summary


def test_what_floods_the_log_and_leaves_links_is_bounded(context, question, tmp_path):
    source = b"""import os
print('x' * (5 << 20))
os.symlink('/etc/passwd', os.environ['KFSLIM_TRACE'] + '/trace-0.log')
"""
    verdict = judged(
        context, make_room(tmp_path / "room", files(source)), question, tmp_path / "task"
    )
    assert verdict.passed, verdict.failures
    told = read_answer(tmp_path / "task" / "answer")
    assert len(told.ran.log) < 1_100_000
    assert "bytes left out" in told.ran.log
    assert "trace/trace-0.log" not in told.left


def test_a_container_where_nothing_can_be_written_is_told(context, question, tmp_path):
    folder = tmp_path / "task"
    folder.mkdir()
    (folder / "mount").symlink_to("/proc/self/environ")  # a file in the way
    visit(make_room(tmp_path / "room", {}), question, folder)
    verdict = judge(context, str(folder / "answer"), CANDIDATE)
    (failure,) = verdict.failures
    assert failure.text.startswith("the probe failed: ")


def test_without_a_source_what_is_installed_is_looked_at(context, tmp_path):
    question = question_for(context, planned(), "", DIGEST)
    assert (question.case.level, question.case.modules) == ("imports", ())
    good, bad = (make_room(tmp_path / n, files(f)) for n, f in (("good", b""), ("bad", None)))
    assert judged(context, good, question, tmp_path / "1").passed
    (failure, *_) = judged(context, bad, question, tmp_path / "2").failures
    assert failure.distributions == ("lower",)


def test_the_answer_of_another_candidate_is_refused(context, question, tmp_path):
    other = question.model_copy(update={"digest": "sha256:" + "2" * 64})
    with pytest.raises(GateError, match=r"the trial is of sha256:2+, not of registry:5000/ml/go"):
        judged(context, make_room(tmp_path / "room", files()), other, tmp_path / "task")


def test_what_is_no_answer_is_refused(context, tmp_path):
    (tmp_path / "answer").write_text('{"ran": 1}')
    with pytest.raises(BadPlan, match="the answer of a trial is not a Answer"):
        judge(context, str(tmp_path / "answer"), CANDIDATE)


# in containers


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Image:
    with Context(Cache(tmp_path_factory.mktemp("cache"))) as context:
        try:
            return find_base(context, "deb:bookworm", Platform(), current_codec()).image
        except KfslimError as error:
            missing(f"no deb:bookworm base: {error.message}")


@pytest.mark.network
@pytest.mark.parametrize("lower", [b"", None], ids=["whole", "taken out"])
def test_the_component_runs_on_the_candidate(
    lower, base, engine, registry, pipeline, context, tmp_path
):
    layer = make_layer({f"{SITE}/{path}": data for path, data in files(lower).items()})
    image = base.with_layers([layer], [{"created_by": "test"}])
    place = registry.reference("trial/go").removeprefix("docker://")
    store = open_store(f"docker://{place}")
    store.write(image, "candidate-go-1")
    store.close()
    candidate = f"{place}:candidate-go-1@{image.digest}"
    root = tmp_path / "run"
    root.mkdir()
    question_for(context, planned(), pipeline, image.digest).save(root / "question.json")
    twin = pinned_twin(tmp_path, f"{place}@{image.digest}", root / "question.json")
    made = run_pipeline(twin, root)
    (answer,) = made.rglob("answer")
    verdict = judge(context, str(answer), parse_reference(candidate))
    assert verdict.passed is (lower is not None)
    assert verdict.passed or "lower" in {n for f in verdict.failures for n in f.distributions}
    told = json.loads((answer.parent / "executor_output.json").read_text())
    metrics = told["artifacts"]["metrics"]["artifacts"][0]["metadata"]
    assert bool(metrics["not_imported"]) is (lower is None)
