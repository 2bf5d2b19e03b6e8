"""A task of a pipeline as the runner of a trial: asked in one pod, answered in another.

In a pod there are neither namespaces nor an engine to be had.  There the candidate is the image of
a task of its own, and kfslim is not in it.  So :func:`~kfslim.trial.judge.try_image` is called
twice: before that task, with a runner that only writes down what it is told to run (:func:`ask`),
and after it, with one that hands out what came back (:func:`answer`).  In between,
``trial.bootstrap`` runs it.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Literal

from kfslim.errors import InputError
from kfslim.files import disk_errors
from kfslim.model import Document, Model, parse_document
from kfslim.oci.image import Image, Platform
from kfslim.plan.model import ImagePlan, StepPlan
from kfslim.trial.cases import Case
from kfslim.trial.inputs import Place
from kfslim.trial.judge import try_image
from kfslim.trial.left import files_left
from kfslim.trial.model import Ran, Task, Verdict

BOOTSTRAP = Path(__file__).with_name("bootstrap.py").read_text("utf-8")
# Any user of any image can write there: a step's launcher needs it too.
PLACE = Place("/tmp/kfslim-trial", "/tmp/kfslim-trial")  # noqa: S108
LIMIT = 128 << 20  # bytes of an answer: the files that came back, as JSON in JSON at the worst
_LEFT = re.compile(r"(?:result\.json|imports\.jsonl|trace/[\w.-]+)\Z", re.ASCII)
_MACHINES = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}
_NOTHING = Image.empty(Platform())  # a task's image is not read here: its environment is there


class Errand(Model):
    """What is run in the container: ``files`` and ``folders`` are laid out below ``mount``."""

    command: tuple[str, ...]
    env: dict[str, str]
    mount: str
    seconds: float
    folders: tuple[str, ...]
    files: dict[str, str]


class Question(Document):
    """What a task on the candidate of ``digest`` is asked, and all that judges its answer."""

    digest: str
    step: StepPlan
    case: Case
    errand: Errand


class Answer(Document):
    """What came back.  ``left`` has the text of the files that the trial left, by path."""

    question: Question
    ran: Ran
    left: dict[str, str] = {}


def ask(step: StepPlan, case: Case, digest: str) -> Question:
    """Return what the task on the candidate of ``digest`` must do to try ``case``.

    The level is at most ``start``.

    Raises:
        DiskError: there is no room for a few files.
    """
    runner = _Asked()
    with tempfile.TemporaryDirectory(prefix="kfslim-") as name:
        _try(runner, step, case.fallen_back(), step.images[0], Path(name))
    assert runner.errand
    return Question(digest=digest, step=step, case=case.fallen_back(), errand=runner.errand)


def answer(told: Answer, folder: Path) -> Verdict:
    """Judge what came back, as after any other runner; ``folder`` is as for ``try_image``.

    Raises:
        DiskError: the folder cannot be used.
    """
    question = told.question
    plan = _tried(question.step, told.left)
    return _try(_Told(told), question.step, question.case, plan, folder)


def read_answer(path: Path) -> Answer:
    """Read the artifact that the task wrote.

    Raises:
        InputError: it is none, or longer than any.
    """
    with disk_errors("reading the answer of a trial"):
        if path.stat().st_size > LIMIT:
            raise InputError(f"the answer of a trial is longer than {LIMIT >> 20} MiB")
        return parse_document(Answer, path.read_bytes(), "the answer of a trial")


def _try(
    runner: _Asked | _Told, step: StepPlan, case: Case, plan: ImagePlan, folder: Path
) -> Verdict:
    dropped = {d.locked.name for d in step.dropped if d.platform == plan.base.platform}
    return try_image(
        runner,
        _NOTHING,
        case,
        plan=plan,
        folder=folder,
        step_digest=step.step_digest,
        dropped=dropped,
    )


def _tried(step: StepPlan, left: dict[str, str]) -> ImagePlan:
    """Return the plan of the platform that the container ran on; without a word, the first."""
    machine = re.search(r'"platform_machine": "(\w+)"', left.get("result.json", ""))
    platform = _MACHINES.get(machine[1] if machine else "")
    return next((i for i in step.images if i.base.platform == platform), step.images[0])


class _Runner:
    """What both halves of the runner have in common."""

    name: Literal["task"] = "task"

    def refusal(self) -> str:
        """Nothing is refused: nothing runs here."""
        return ""

    def stop(self) -> None:
        """Nothing runs here."""


class _Asked(_Runner):
    """Writes down what it is told to run."""

    errand: Errand | None = None

    def run(self, image: Image, task: Task) -> Ran:
        """Take the task and the files in its folder; what is answered, nobody looks at."""
        folders = [path for path in task.folder.rglob("*") if path.is_dir()]
        self.errand = Errand(
            command=task.command,
            env=dict(task.env),
            mount=task.mount,
            seconds=task.limits.seconds,
            folders=tuple(sorted(path.relative_to(task.folder).as_posix() for path in folders)),
            files={name: (task.folder / name).read_text() for name in files_left(task.folder)},
        )
        return Ran(ending="exit", status=0, seconds=0.0, log="")


class _Told(_Runner):
    """Hands out what came back."""

    def __init__(self, told: Answer) -> None:
        self._told = told

    def run(self, image: Image, task: Task) -> Ran:
        """Lay out what the container left, by names that a trial leaves."""
        with disk_errors("reading the answer of a trial"):
            for path, text in self._told.left.items():
                if _LEFT.match(path):
                    (task.folder / path).write_text(text)
        return self._told.ran
