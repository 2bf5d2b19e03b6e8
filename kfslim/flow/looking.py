"""One image of one step, tried once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kfslim.files import disk_errors
from kfslim.flow.candidates import Candidates, image_here
from kfslim.flow.deciding import Whole
from kfslim.plan.model import StepPlan
from kfslim.trial.cases import Case
from kfslim.trial.judge import LOG, try_image
from kfslim.trial.model import Outputs, Trace, Verdict
from kfslim.trial.runner import Runner


class Failed(Exception):
    """A step's trial fails, and nothing is left to put back.  Never leaves these rooms."""


@dataclass
class Run:
    """One thing to do with a step's image.

    ``expected`` is what it made on the unslimmed image.  ``folder`` and ``trace`` are those of the
    last trial that passed, ``passed`` the step digest of its image.
    """

    case: Case
    expected: Outputs | None = None
    folder: Path | None = None
    passed: str = ""
    trace: Trace | None = None


@dataclass
class Trying:
    """One step while it is tried.

    ``tries`` counts slimmed images that failed or were asked in a search, ``looks`` all trials.
    ``whole_passes`` is None until the unslimmed image was tried; ``whole_trace`` is of that.
    """

    whole: Whole
    plan: StepPlan
    case: Case
    runs: list[Run] = field(default_factory=list)
    trace: Trace | None = None
    tries: int = 0
    looks: int = 0
    seconds: float = 0.0
    whole_passes: bool | None = None
    whole_trace: Trace | None = None
    failure: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The step's name."""
        return self.plan.name

    @property
    def passed_trace(self) -> Trace | None:
        """What all runs used together, when the last image passed them."""
        traces = [run.trace for run in self.runs if run.trace]
        return united(traces) if traces and len(traces) == len(self.runs) else None

    def fail(self, verdict: Verdict) -> Failed:
        """Note why it failed for good."""
        self.failure = verdict.failures[0].text if verdict.failures else "it did not pass"
        return Failed()


def united(traces: Sequence[Trace]) -> Trace:
    """Return what several runs of one image used together."""
    first, *others = traces
    for other in others:
        first = first.model_copy(
            update={
                "modules": {**other.modules, **first.modules},
                "files": tuple(sorted({*first.files, *other.files})),
                "mapped": tuple(sorted({*first.mapped, *other.mapped})),
                "programs": tuple(sorted({*first.programs, *other.programs})),
            }
        )
    return first


class Looker:
    """Tries images.  ``folder`` takes what runs leave, ``logs`` (if any) what they wrote."""

    def __init__(
        self, runner: Runner, candidates: Candidates, folder: Path, logs: Path | None
    ) -> None:
        self.runner, self.candidates = runner, candidates
        self._folder, self._logs = folder, logs

    def look(self, step: Trying, plan: StepPlan, run: Run) -> Verdict:
        """Try the image of ``plan``.

        Raises:
            KfslimError: it cannot be made, or the runner itself failed.
        """
        step.looks += 1
        folder = self._folder / f"{plan.executor}-{step.looks}"
        with disk_errors("preparing a trial"):
            folder.mkdir()
        here = image_here(plan)
        verdict = try_image(
            self.runner,
            self.candidates.image(plan),
            run.case,
            plan=here,
            folder=folder,
            step_digest=plan.step_digest,
            dropped={d.locked.name for d in plan.dropped if d.platform == here.base.platform},
            expected=run.expected,
        )
        step.seconds += verdict.seconds
        step.notes += (f"unlike in the unslimmed image: {note}" for note in verdict.notes)
        if verdict.passed:
            run.passed, run.folder, run.trace = plan.step_digest, folder, verdict.trace
        self._keep_log(step, plan, verdict, folder)
        return verdict

    def look_all(self, step: Trying, plan: StepPlan) -> Verdict | None:
        """Try all runs that the image has not passed yet.

        Return the first that fails, else the last; None where it passed all before.
        """
        verdict = None
        for run in step.runs:
            if run.passed != plan.step_digest:
                verdict = self.look(step, plan, run)
                if not verdict.passed:
                    return verdict
        return verdict

    def _keep_log(self, step: Trying, plan: StepPlan, verdict: Verdict, folder: Path) -> None:
        """Add one trial to the step's log, with what went wrong."""
        if not self._logs:
            return
        how = "passed" if verdict.passed else "failed"
        head = f"== {plan.tag}, {verdict.level}, {verdict.seconds:.1f} s: {how}\n"
        failures = "".join(f"-- {failure.text}\n" for failure in verdict.failures)
        with disk_errors("keeping the log of a trial"):
            place = self._logs / "trials"
            place.mkdir(parents=True, exist_ok=True)
            mode = "w" if step.looks == 1 else "a"
            with (place / f"{step.name}.log").open(mode, encoding="utf-8") as file:
                file.write(head + failures + (folder / LOG).read_text("utf-8", "replace"))
