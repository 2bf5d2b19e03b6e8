"""Plans → the same plans, seen to run: trials of every step, and repairs where one fails.

The states of a step, and what moves it on:

1. *known*: its plan, or the cache, has the proof of these very images.  Nothing is done.
2. *candidate*: an image without bytecode, made on this machine and sent nowhere.  (An image that
   its destination has under the final tag is tried as it is.)  It passes: 3.  It fails: what the
   failure names of what was removed is put back, else searched by bisection, and the step is a
   candidate again.  Where ``--tries`` are used up, all is put back, and nothing pruned.
3. *final*: with the bytecode of what the candidate's trace loaded, and, by ``--prune trace``,
   without what runs never touched.  It is tried again: what is published is what was seen to run.
   It fails: 2.
4. *proven*: the final image passed; the plan says so.
5. *failed*: with all that it declares and nothing pruned the trial fails, too.  It says nothing
   about slimming then, so the run ends with that (exit 1) and nothing is published, unless the user
   allowed the step to go untried: it is then published with all that it declares, and marked.

Steps go one after the other.  Those that are run get what the steps before them made
(:mod:`kfslim.trial.chain`), and their outputs are compared with those of the unslimmed image.  One
that cannot be run here is tried up to its start, and keeps what its source leaves in doubt.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from kfslim.audit.graph import Environment
from kfslim.errors import GateError, ToolError, Unsupported
from kfslim.files import disk_errors
from kfslim.flow.auditing import step_uses
from kfslim.flow.candidates import Candidates, image_here, place_here
from kfslim.flow.context import Context
from kfslim.flow.deciding import ALL, Whole, decide, known_audit, remember_decision
from kfslim.flow.dissecting import environment_of
from kfslim.flow.finishing import compiled_step, cut_step, install_image, needed_of_pruned
from kfslim.flow.options import Options, TrialOptions
from kfslim.flow.planning import Planned, runs
from kfslim.flow.proofs import known_trials, marked_untried
from kfslim.flow.repairing import CUT, bisect, culprits, removed
from kfslim.oci import Reference
from kfslim.plan.model import StepPlan
from kfslim.plan.tried import Proof
from kfslim.report.model import TrialReport
from kfslim.steps.config import TrialSettings
from kfslim.steps.ir import load_documents
from kfslim.trial.cases import Case, Wanted, case_for, components, given_by
from kfslim.trial.chain import Ready, run_chain
from kfslim.trial.choose import choose
from kfslim.trial.inputs import Given
from kfslim.trial.judge import LOG, try_image
from kfslim.trial.model import Outputs, Trace, Verdict
from kfslim.trial.outputs import produced
from kfslim.trial.runner import Runner


@dataclass(frozen=True)
class Tried:
    """A plan that was seen to run, its steps' trials, and their audits by executor label."""

    planned: Planned
    trials: Mapping[str, TrialReport]


class _Failed(Exception):
    """The trial fails with all that the step declares, too."""


@dataclass
class _Run:
    """One thing to do with a step's image: a case, and what the unslimmed image made of it."""

    case: Case
    expected: Outputs | None = None
    folder: Path | None = None  # of the last trial that passed
    passed: str = ""  # step digest of the image that did


@dataclass
class _Step:
    """One step while it is tried."""

    whole: Whole
    plan: StepPlan
    case: Case
    runs: list[_Run] = field(default_factory=list)
    trace: Trace | None = None
    tries: int = 0
    looks: int = 0
    seconds: float = 0.0
    whole_passes: bool | None = None
    failure: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.plan.name


def check_runner(context: Context, trial: TrialOptions) -> Runner:
    """Return the runner of this machine.

    Raises:
        ToolError: there is none; the hint says how to go without.
    """
    try:
        return choose(trial.runner, context.cache, context.progress)
    except Unsupported as error:
        raise ToolError(error.message, hint=error.hint) from error


def try_steps(
    context: Context,
    text: str,
    planned: Planned,
    options: Options,
    trial: TrialOptions,
    target: Reference,
) -> Tried:
    """Try every step of ``planned`` that is not proven; ``text`` is the compiled pipeline.

    ``target`` is where images may lie already; nothing is written there.

    Raises:
        GateError: a step fails with all that it declares.
        ToolError: this machine has no runner.
        KfslimError: what making images and running them raises.
    """
    plan = planned.plan
    known = known_trials(plan)
    if len(known) == len(plan.steps):
        return Tried(planned, known)
    runner = check_runner(context, trial)
    with context.cache.scratch() as folder:
        trier = _Trier(context, runner, text, planned, options, trial, target, folder)
        try:
            trier.all()
        finally:
            runner.stop()
    return Tried(trier.planned(), known | trier.reports())


class _Trier:
    """Tries the steps of one pipeline."""

    def __init__(
        self,
        context: Context,
        runner: Runner,
        text: str,
        planned: Planned,
        options: Options,
        trial: TrialOptions,
        target: Reference,
        folder: Path,
    ) -> None:
        self.context, self.runner, self.options, self.trial = context, runner, options, trial
        self.folder, self.before = folder, planned
        self.document = load_documents(text)[0]
        self.components = components(self.document)
        self.candidates = Candidates(context, context.store(target))
        self.steps: dict[str, _Step] = {}
        self.proven: dict[str, _Step] = {}
        for step in planned.plan.steps:
            one = self._step(planned.wholes[step.executor], step)
            (self.proven if step.proven else self.steps)[step.executor] = one

    def all(self) -> None:
        """Bring every step to its end."""
        self.candidates.make(self._first_images())
        title, total = "trials", len(self.steps)
        with self.context.progress.task(title, total, "steps") as task:
            if any(step.whole.trusting for step in self.steps.values()):
                self._chain()
            for step in self.steps.values():
                if not step.runs and not step.failure:
                    self._without_chain(step)
            traces = {e: s.trace for e, s in self.steps.items() if s.trace}
            for step in self.steps.values():
                if step.trace:
                    self._settle(step, traces)
                task.advance(1)
        self._check_failed()

    # what comes out

    def planned(self) -> Planned:
        """Return the plan as it is now, with proofs."""
        steps = [
            self._proven(self.steps[s.executor]) if s.executor in self.steps else s
            for s in self.before.plan.steps
        ]
        audits = dict(self.before.audits)
        for executor, step in self.steps.items():
            if audit := known_audit(self.context, step.whole, step.plan.put_back):
                audits[executor] = audit
        wholes = {**self.before.wholes, **{e: s.whole for e, s in self.steps.items()}}
        made = self.before.plan.model_copy(update={"steps": tuple(steps)})
        return Planned(made, self.before.before, wholes, audits)

    def reports(self) -> dict[str, TrialReport]:
        """Return how each step fared."""
        return {executor: self._report(step) for executor, step in self.steps.items()}

    def _report(self, step: _Step) -> TrialReport:
        return TrialReport(
            outcome="failed" if step.failure else "passed",
            level=step.runs[0].case.level if step.runs else step.case.level,
            runner=self.runner.name,
            seconds=round(step.seconds, 2),
            tries=step.looks,
            put_back=step.plan.put_back,
            failure=step.failure,
            notes=tuple(dict.fromkeys(step.notes)),
            import_seconds=step.trace.import_seconds if step.trace else {},
            log=f"trials/{step.name}.log" if self.trial.logs else "",
        )

    def _proven(self, step: _Step) -> StepPlan:
        notes = list(step.notes)
        if step.failure:
            plan = marked_untried(self._unslimmed(step))
            notes.append(f"not seen to run; its trial fails with all it declares: {step.failure}")
        else:
            plan = step.plan
            level = step.runs[0].case.level
            proof = Proof(level=level, runner=self.runner.name, step_digest=plan.step_digest)
            plan = plan.model_copy(update={"proof": proof})
        if ALL in plan.put_back and not step.failure:
            notes.append(f"shipped with all it declares: {plan.put_back[ALL]}")
        notes = [note for note in notes if note not in plan.notes]
        plan = plan.model_copy(update={"notes": (*plan.notes, *notes)})
        remember_decision(self.context, plan)
        return plan

    def _check_failed(self) -> None:
        failed = [s for s in self.steps.values() if s.failure and s.name not in self.trial.untried]
        if not failed:
            return
        first, names = failed[0], [step.name for step in failed]
        others = f"; {', '.join(names[1:])} likewise" if names[1:] else ""
        raise GateError(
            f"step {first.name}: its trial fails with all that it declares, too: "
            f"{first.failure}{others}",
            hint="Nothing was published. --allow-untried "
            + ",".join(names)
            + " publishes it with all that it declares, and marks it.",
        )

    # beginnings

    def _step(self, whole: Whole, step: StepPlan) -> _Step:
        case = self._case(whole)
        return _Step(whole, step if step.proven else self._start(whole, step), case)

    def _start(self, whole: Whole, step: StepPlan) -> StepPlan:
        """Return the plan to begin with: the known one, if its bytecode is as it is wanted."""
        clean = step.model_copy(
            update={"images": tuple(i.model_copy(update={"trial": ""}) for i in step.images)}
        )
        wanted = [image.bytecode for image in whole.images]
        if [image.bytecode for image in clean.images] == wanted:
            return clean
        return decide(self.context, whole, step.put_back)[0]

    def _case(self, whole: Whole) -> Case:
        step, settings = whole.step, self._settings(whole)
        uses = step_uses(self.context, step)
        modules = [
            Wanted(
                found.module, found.kind == "plain", f"{step.function or step.name}:{found.line}"
            )
            for found in (uses.imports if uses else ())
            if found.kind != "typing"
        ]
        component = self.components.get(step.executor, {})
        return case_for(step, modules, settings, component, Path(self.context.config.root))

    def _settings(self, whole: Whole) -> TrialSettings:
        settings = self.context.config.for_step(whole.step.name).trial
        if self.trial.network is not None:
            settings = settings.model_copy(update={"network": self.trial.network})
        run = runs(self.context, whole.step.name, self.trial)
        return settings.model_copy(update={"run": run})

    def _first_images(self) -> list[StepPlan]:
        plans = [step.plan for step in self.steps.values()]
        return plans + [
            self._unslimmed(step) for step in self.steps.values() if self._compares(step)
        ]

    def _compares(self, step: _Step) -> bool:
        """Tell whether outputs are to be compared with those of the unslimmed image."""
        return step.whole.trusting and bool(step.plan.dropped or image_here(step.plan).cut)

    def _unslimmed(self, step: _Step) -> StepPlan:
        return decide(self.context, step.whole, {ALL: "to compare with"})[0]

    # trials that run the steps

    def _chain(self) -> None:
        """Run the pipeline, each step on what the steps before it made."""
        given = {}
        for executor, step in self.steps.items():
            settings = self._settings(step.whole)
            given[executor] = given_by(settings, Path(self.context.config.root))
        told = run_chain(self.document, self._run_one, given=given, record=self.trial.record)
        for one in told:
            found = self.steps.get(one.executor)
            if found and one.reason and found.whole.trusting:
                found.notes.append(f"it was not run in its trial: {one.reason}")

    def _run_one(self, ready: Ready) -> Given | None:
        if (proven := self.proven.get(ready.executor)) is not None:
            return self._again(proven, ready)
        step = self.steps.get(ready.executor)
        if step is None or not step.whole.trusting or step.failure:
            return None
        run = _Run(step.case.running(ready.given))
        step.runs.append(run)
        try:
            if self._compares(step):
                run.expected = self._reference(step, run)
            self._settle(step)
        except _Failed:
            return None
        return self._outputs(run)

    def _again(self, step: _Step, ready: Ready) -> Given | None:
        """Run a step that is proven already, if another one waits for what it makes."""
        order = [one.executor for one in self.before.plan.steps]
        if not any(e in self.steps for e in order[order.index(ready.executor) + 1 :]):
            return None
        run = _Run(step.case.running(ready.given))
        verdict = self._look(step, step.plan, run)
        return self._outputs(run) if verdict.passed else None

    def _outputs(self, run: _Run) -> Given | None:
        case, folder = run.case, run.folder
        return produced(folder / "run", case.ports, case.place) if folder else None

    def _reference(self, step: _Step, run: _Run) -> Outputs | None:
        """Run the unslimmed image; what it used spares files from pruning, too."""
        plan = self._unslimmed(step)
        verdict = self._look(step, plan, replace(run))
        step.whole_passes = verdict.passed
        if not verdict.passed:
            raise self._failed(step, verdict)
        if verdict.trace and (used := needed_of_pruned(self.context, step.plan, verdict.trace)):
            more = dict.fromkeys(used, "a run of the unslimmed image used it")
            step.plan = decide(self.context, step.whole, {**step.plan.put_back, **more})[0]
        return verdict.outputs

    def _without_chain(self, step: _Step) -> None:
        """Try what could not be run in its place: by inputs of its own, or up to its start."""
        if step.whole.trusting and step.case.level != "run":
            step.whole = replace(step.whole, trusting=False)
            step.plan = decide(self.context, step.whole, step.plan.put_back)[0]
        step.runs.append(_Run(step.case))
        try:
            if self._compares(step):
                step.runs[0].expected = self._reference(step, step.runs[0])
            self._settle(step)
        except _Failed:
            return

    # one step, until it passes

    def _settle(self, step: _Step, traces: Mapping[str, Trace] | None = None) -> None:
        """Repair ``step`` until its candidate passes; with ``traces``, until its final image does.

        Raises:
            _Failed: it fails with all that it declares.
        """
        while True:
            final = traces is not None and step.trace is not None
            plan = self._finished(step, traces or {}) if final else step.plan
            verdict = self._look_all(step, plan)
            if verdict is None or verdict.passed:
                if final or traces is None:
                    step.trace = step.trace or (verdict.trace if verdict else None)
                    step.plan = plan
                    return
                step.trace = verdict.trace if verdict else None
                if step.trace is None:
                    return
                continue
            step.tries += 1
            more = self._more(step, plan, verdict, traces)
            self._tell(step, more)
            step.plan = decide(self.context, step.whole, {**step.plan.put_back, **more})[0]
            if not all(name.startswith(CUT) for name in more):
                step.trace = None

    def _finished(self, step: _Step, traces: Mapping[str, Trace]) -> StepPlan:
        """Return the final plan of a step whose candidate passed."""
        assert step.trace
        if image_here(step.plan).compiled:
            return step.plan  # it came with the plan, and passed
        plan = step.plan
        if self.options.prune == "trace":
            current = {**traces, plan.executor: step.trace}
            plan = cut_step(self.context, step.whole, plan, current)
        return compiled_step(step.plan, plan, step.trace, self._environment(step))

    def _look_all(self, step: _Step, plan: StepPlan) -> Verdict | None:
        """Try all that is to be run; return the first that fails, or the last that passes."""
        verdict = None
        for run in step.runs:
            if run.passed != plan.step_digest:
                verdict = self._look(step, plan, run)
                if not verdict.passed:
                    return verdict
        return verdict

    def _look(self, step: _Step, plan: StepPlan, run: _Run) -> Verdict:
        """Try one image."""
        step.looks += 1
        folder = self.folder / f"{plan.executor}-{step.looks}"
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
        step.notes += verdict.notes
        if verdict.passed:
            run.passed, run.folder = plan.step_digest, folder
        self._keep_log(step, plan, verdict, folder)
        return verdict

    def _more(
        self,
        step: _Step,
        plan: StepPlan,
        verdict: Verdict,
        traces: Mapping[str, Trace] | None,
    ) -> dict[str, str]:
        """Return what to put back after a failure."""
        if ALL in plan.put_back:
            raise self._failed(step, verdict)
        why = verdict.failures[0].text
        named = self._culprits(step, plan, verdict)
        if named and step.tries < self.trial.tries:
            return named
        self._check_whole(step)
        left = self.trial.tries - step.tries
        items = [name for name in removed(plan, image_here(plan)) if name not in plan.put_back]
        if left <= 0 or not items:
            return {ALL: f"{why} ({step.tries} trials did not show what it needs)"}
        found = bisect(items, lambda names: self._passes(step, names, why, traces), left)
        if len(found) == len(items):
            return {ALL: why}
        return dict.fromkeys(found, f"found by search: {why}")

    def _culprits(self, step: _Step, plan: StepPlan, verdict: Verdict) -> dict[str, str]:
        here = image_here(plan)
        with self.context.cache.scratch() as folder:
            installed = install_image(self.context, here, folder)
            found = culprits(verdict.failures, plan, here, self._environment(step), installed)
        return {name: why for name, why in found.items() if name not in plan.put_back}

    def _passes(
        self,
        step: _Step,
        names: Collection[str],
        why: str,
        traces: Mapping[str, Trace] | None,
    ) -> bool:
        """Try the step with ``names`` put back, too."""
        step.tries += 1
        put_back = {**step.plan.put_back, **dict.fromkeys(names, why)}
        trial = replace(step, plan=decide(self.context, step.whole, put_back)[0])
        final = traces is not None and trial.trace is not None
        plan = self._finished(trial, traces or {}) if final else trial.plan
        verdict = self._look_all(step, plan)
        return verdict is None or verdict.passed

    def _check_whole(self, step: _Step) -> None:
        """Make sure that the step passes with all that it declares."""
        if step.whole_passes is None:
            run = replace(step.runs[-1], expected=None)
            verdict = self._look(step, self._unslimmed(step), run)
            step.whole_passes = verdict.passed
            if not verdict.passed:
                raise self._failed(step, verdict)

    def _failed(self, step: _Step, verdict: Verdict) -> _Failed:
        step.failure = verdict.failures[0].text if verdict.failures else "it did not pass"
        return _Failed()

    def _environment(self, step: _Step) -> Environment:
        _, lock = step.whole.slots[place_here(step.plan)]
        return environment_of(self.context, lock, step_uses(self.context, step.whole.step))

    def _tell(self, step: _Step, more: Mapping[str, str]) -> None:
        what = "everything" if ALL in more else ", ".join(more)
        why = next(iter(more.values()))
        self.context.progress.note(f"trial of {step.name}: {why}; put back: {what}")

    def _keep_log(self, step: _Step, plan: StepPlan, verdict: Verdict, folder: Path) -> None:
        """Add one trial to the step's log, with what went wrong."""
        if not self.trial.logs:
            return
        how = "passed" if verdict.passed else "failed"
        head = f"== {plan.tag}, {verdict.level}, {verdict.seconds:.1f} s: {how}\n"
        failures = "".join(f"-- {failure.text}\n" for failure in verdict.failures)
        with disk_errors("keeping the log of a trial"):
            place = self.trial.logs / "trials"
            place.mkdir(parents=True, exist_ok=True)
            mode = "w" if step.looks == 1 else "a"
            with (place / f"{step.name}.log").open(mode, encoding="utf-8") as file:
                file.write(head + failures + (folder / LOG).read_text("utf-8", "replace"))
