"""Step + image + runner → verdict: does the step fare as it must there, and what did it use?"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kfslim.files import disk_errors
from kfslim.oci.image import Image
from kfslim.plan.model import ImagePlan
from kfslim.trial.answer import (
    absent,
    ended,
    failed_imports,
    importing,
    inconsistent,
    not_started,
    numbers,
    part,
    told_by,
)
from kfslim.trial.cases import Case, split_at_source
from kfslim.trial.compare import compare
from kfslim.trial.inputs import artifact_path, executor_input, fill
from kfslim.trial.left import read_json
from kfslim.trial.model import Failure, Outputs, Task, Trace, Verdict
from kfslim.trial.outputs import read_outputs
from kfslim.trial.recorded import copy_left
from kfslim.trial.runner import Runner
from kfslim.trial.traces import read_trace

LOG = "trial.log"  # in the folder of a trial: all that its runs wrote
_PROBE = Path(__file__).with_name("probe.py")
_HOOK = Path(__file__).with_name("hook.py")
_LAST = 4000  # characters of the log that a verdict shows
# Put behind the step's own source: its function becomes one that only tells that it was called.
_STOP = """

def _kfslim_stop(function):
    import functools, inspect
    @functools.wraps(function)
    def stop(*arguments, **keywords):
        open({reached!r}, "w").close()
        raise SystemExit(0)
    stop.__signature__ = inspect.signature(function)
    return stop
{function} = _kfslim_stop({function})
"""


def try_image(
    runner: Runner,
    image: Image,
    case: Case,
    *,
    plan: ImagePlan | None,
    folder: Path,
    step_digest: str = "",
    dropped: Collection[str] = (),
    expected: Outputs | None = None,
) -> Verdict:
    """Try ``case`` in ``image``.

    ``folder`` is an empty one for this trial; afterwards its ``run`` holds what the step left and
    ``trial.log`` what it wrote.  ``plan`` says which distributions must be there, and ``dropped``
    (names) which of those that they require are left out on purpose.  ``expected`` is what the
    step left on the unslimmed image, to be compared.

    Raises:
        BadImage, DigestMismatch: the image cannot be read.
        OutsideError: the runner itself failed, or the folder cannot be used.
    """
    trial = _Trial(runner, image, case, folder)
    seen = trial.look(plan, dropped)
    if case.level == "run" and not seen.failures:
        seen = seen.and_then(trial.run(expected))
    with disk_errors("keeping the log of a trial"):
        log = _without(seen.log, case.secrets)
        (folder / LOG).write_text(log, encoding="utf-8", errors="replace")
    return Verdict(
        step=case.step,
        step_digest=step_digest,
        level=case.level,
        runner=runner.name,
        passed=not seen.failures,
        seconds=round(seen.seconds, 2),
        failures=tuple(
            f.model_copy(update={"text": _without(f.text, case.secrets)}) for f in seen.failures
        ),
        trace=trial.trace(step_digest, seen.import_seconds),
        log=log[-_LAST:],
        absent=seen.absent,
        notes=seen.notes,
        outputs=seen.outputs,
    )


def _without(text: str, secrets: Collection[str]) -> str:
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return text


@dataclass(frozen=True)
class _Seen:
    """What one run of a trial showed."""

    log: str
    seconds: float
    failures: tuple[Failure, ...] = ()
    absent: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    import_seconds: Mapping[str, float] | None = None
    outputs: Outputs | None = None

    def and_then(self, later: _Seen) -> _Seen:
        return replace(
            later,
            log=self.log + later.log,
            seconds=self.seconds + later.seconds,
            absent=self.absent,
            import_seconds=self.import_seconds,
        )


class _Trial:
    """The runs of one trial."""

    def __init__(self, runner: Runner, image: Image, case: Case, folder: Path) -> None:
        self.runner, self.image, self.case, self.folder = runner, image, case, folder
        self.mount = case.place.mount

    def look(self, plan: ImagePlan | None, dropped: Collection[str]) -> _Seen:
        """Import the modules, start the executor, see what is installed."""
        box = self.folder / "look"
        planned = [*plan.lock.distributions, *filter(None, [plan.runtime])] if plan else []
        spec = {
            "modules": list(dict.fromkeys(module.name for module in self.case.modules)),
            "distributions": [one.name for one in planned],
            "env": {
                "KFSLIM_TRACE": f"{self.mount}/trace",
                **({"_KFP_RUNTIME": "true"} if self.case.kfp_runtime else {}),
            },
            "start": self._start() if self.case.level == "start" else None,
        }
        self._write(box, {"spec.json": json.dumps(spec), "probe/probe.py": _PROBE.read_text()})
        command = ("python3", f"{self.mount}/probe/probe.py", self.mount)
        ran = self.runner.run(self.image, self._task(box, command, self._hooked()))
        result = read_json(box, "result.json")
        result = result if isinstance(result, dict) else {}
        failures = (
            *ended(ran, self.case.limits, importing(box)),
            *inconsistent(result, plan, dropped),
            *failed_imports(result, self.case),
            *(not_started(result) if spec["start"] and ran.ending == "exit" else ()),
        )
        if not (failures or ran.passed):
            failures = (told_by("the probe failed", ran.log),)
        return _Seen(
            log=ran.log,
            seconds=ran.seconds,
            failures=failures,
            absent=absent(result, self.case),
            import_seconds=numbers(part(result, "imports").get("seconds")),
        )

    def run(self, expected: Outputs | None) -> _Seen:
        """Run the step itself on its inputs."""
        box = self.folder / "run"
        case = self.case
        self._write(box, {})
        for name, ones in case.given.artifacts.items():
            for number, artifact in enumerate(ones):
                if artifact.path:
                    copy_left(artifact.path, box / artifact_path(name, number, artifact))
        message = executor_input(case.ports, case.given, case.place)
        command = fill(case.command, message, case.place)
        ran = self.runner.run(self.image, self._task(box, command, self._traced()))
        outputs = read_outputs(box, case.ports, case.place)
        failures = list(ended(ran, case.limits, "the step"))
        if not failures and ran.status:
            failures.append(told_by(f"the step ended with status {ran.status}", ran.log))
        compared = expected if not failures else None
        different = compare(compared, outputs, case.tolerance, case.ignore) if compared else ()
        failures += [Failure(text=d.text) for d in different if d.counts]
        return _Seen(
            log=ran.log,
            seconds=ran.seconds,
            failures=tuple(failures),
            notes=tuple(d.text for d in different if not d.counts),
            outputs=outputs,
        )

    def trace(self, step_digest: str, import_seconds: Mapping[str, float] | None) -> Trace:
        """Put together what all processes used."""
        return read_trace(
            [self.folder / "look" / "trace", self.folder / "run" / "trace"],
            step=self.case.step,
            step_digest=step_digest,
            level=self.case.level,
            mount=self.mount,
            import_seconds=import_seconds,
        )

    def _write(self, box: Path, files: Mapping[str, str]) -> None:
        """Lay out the folder of a run; its user may be any."""
        texts = {"hook/sitecustomize.py": _HOOK.read_text(), **files}
        with disk_errors("preparing a trial"):
            for inner in ("", "hook", "probe", "trace", "in", "out"):
                (box / inner).mkdir(parents=True, exist_ok=True)
                (box / inner).chmod(0o777)
            for path, text in texts.items():
                (box / path).write_text(text)

    def _task(self, box: Path, command: Collection[str], env: Mapping[str, str]) -> Task:
        everything = {**self.case.env, **env}
        return Task(tuple(command), box, self.mount, everything, self.case.limits)

    def _hooked(self) -> dict[str, str]:
        """Return what loads the hook, in front of what the image or the step put there."""
        others = self.case.env.get("PYTHONPATH") or self.image.env.get("PYTHONPATH")
        hook = f"{self.mount}/hook"
        return {"PYTHONPATH": f"{hook}:{others}" if others else hook}

    def _traced(self) -> dict[str, str]:
        return {**self._hooked(), "KFSLIM_TRACE": f"{self.mount}/trace"}

    def _start(self) -> dict[str, Any]:
        """Return the step's own command, with a source that ends before it begins."""
        case, reached = self.case, f"{self.mount}/reached"
        stop = _STOP.format(reached=reached, function=case.function)
        before, source, after = split_at_source(case.command)
        given = case.given.over(case.ports.stand_ins())
        message = executor_input(case.ports, given, case.place)
        return {
            "command": [*before, source + stop, *fill(after, message, case.place)],
            "reached": reached,
        }
