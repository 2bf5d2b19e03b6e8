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

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from kfslim.audit.uses import Uses
from kfslim.errors import GateError, InputError, ToolError, Unsupported
from kfslim.flow.auditing import step_uses
from kfslim.flow.candidates import Candidates, image_here
from kfslim.flow.context import Context
from kfslim.flow.deciding import ALL, Whole, decide, known_audit, remember_decision
from kfslim.flow.dissecting import environment_of
from kfslim.flow.looking import Failed, Looker, Run, Trying
from kfslim.flow.mending import Mender
from kfslim.flow.options import Options, TrialOptions
from kfslim.flow.planning import Planned, make_plan, runs
from kfslim.flow.proofs import known_trials, marked_untried
from kfslim.flow.reading import read_steps
from kfslim.oci import Reference
from kfslim.plan.model import Plan, StepPlan
from kfslim.plan.tried import Proof
from kfslim.report.model import StepTrial, TrialReport, TrialResult
from kfslim.steps.config import TrialSettings
from kfslim.steps.ir import load_documents
from kfslim.trial.cases import Case, case_for, components, given_by, wanted_from
from kfslim.trial.chain import Ready, run_chain
from kfslim.trial.choose import choose
from kfslim.trial.inputs import Given
from kfslim.trial.model import Level, Trace
from kfslim.trial.outputs import produced
from kfslim.trial.runner import Runner


@dataclass(frozen=True)
class Tried:
    """A plan that was seen to run, and the trials of its steps by executor label."""

    planned: Planned
    trials: Mapping[str, TrialReport]


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
    runner = check_runner(context, trial)
    with context.cache.scratch() as folder:
        looker = Looker(runner, Candidates(context, context.store(target)), folder, trial.logs)
        trials = Trials(context, text, planned, trial, looker)
        try:
            trials.all()
        finally:
            runner.stop()
    trials.check_failed()
    return Tried(trials.planned(), known_trials(planned.plan) | trials.reports())


def try_as_they_are(
    context: Context,
    text: str,
    options: Options,
    trial: TrialOptions,
    *,
    plan: Plan | None = None,
    steps: Collection[str] = (),
    target: Reference | None = None,
    where: str = "",
) -> TrialResult:
    """Try the images of ``plan`` (without one: of the plan that is made now); change nothing.

    ``steps`` names those to try; empty: all.  What ``target`` has of them is taken from there.

    Raises:
        InputError: there is no such step.
        ToolError: this machine has no runner.
        KfslimError: what planning, making images and running them raises.
    """
    runner = check_runner(context, trial)
    planned = make_plan(context, read_steps(context, text, where), options, plan, target, trial)
    chosen = _chosen(plan or planned.plan, steps)
    planned = replace(planned, plan=chosen)
    with context.cache.scratch() as folder:
        store = context.store(target or f"oci:{folder}/nothing")
        looker = Looker(runner, Candidates(context, store), folder, trial.logs)
        trials = Trials(context, text, planned, trial, looker, mend=False)
        try:
            trials.all()
        finally:
            runner.stop()
    reports = trials.reports()
    found = [StepTrial(name=s.name, tag=s.tag, trial=reports[s.executor]) for s in chosen.steps]
    return TrialResult(pipeline=chosen.pipeline, steps=tuple(found))


def _chosen(plan: Plan, names: Collection[str]) -> Plan:
    """Return the plan with the steps that are to be tried, all proofs forgotten."""
    known = [step.name for step in plan.steps]
    for name in names:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(known)}."
            raise InputError(f"--step {name}: there is no such step", hint=hint)
    steps = [step for step in plan.steps if not names or step.name in names]
    bare = tuple(step.model_copy(update={"proof": None}) for step in steps)
    return plan.model_copy(update={"steps": bare})


class Trials:
    """The trials of one pipeline's steps; with ``mend`` false images are tried as they are."""

    def __init__(
        self,
        context: Context,
        text: str,
        planned: Planned,
        trial: TrialOptions,
        looker: Looker,
        *,
        mend: bool = True,
    ) -> None:
        self.context, self.trial, self.before, self.mend = context, trial, planned, mend
        self.document = load_documents(text)[0]
        self.components = components(self.document)
        self.looker = looker
        self.mender = Mender(context, looker, trial.tries)
        self.steps: dict[str, Trying] = {}
        self.proven: dict[str, Trying] = {}
        for step in planned.plan.steps:
            whole = planned.wholes[step.executor]
            if step.proven:
                self.proven[step.executor] = Trying(whole, step, self._case(whole))
            else:
                start = self._start(whole, step) if mend else step
                self.steps[step.executor] = Trying(whole, start, self._case(whole))

    def all(self) -> None:
        """Bring every step to its end."""
        self.looker.candidates.make(self._first_images())
        with self.context.progress.task("trials", len(self.steps), "steps") as task:
            if any(step.whole.trusting for step in self.steps.values()):
                self._chain()
            for step in self.steps.values():
                if not step.runs and not step.failure:
                    self._without_chain(step)
            traces = {e: s.trace for e, s in self.steps.items() if s.trace}
            for step in self.steps.values():
                if self.mend and step.trace and not step.failure:
                    self._until_it_passes(step, traces)
                task.advance(1)

    def _until_it_passes(self, step: Trying, traces: Mapping[str, Trace] | None = None) -> bool:
        """Tell whether the step came through its trial, with what had to be put back."""
        try:
            if traces is None and self._compares(step):
                step.runs[-1].expected = self.mender.reference(step, step.runs[-1])
            if self.mend:
                self.mender.settle(step, traces)
            else:
                self._look_once(step)
        except Failed:
            return False
        return True

    def _look_once(self, step: Trying) -> None:
        verdict = self.looker.look_all(step, step.plan)
        if verdict and not verdict.passed:
            raise step.fail(verdict)
        step.trace = step.passed_trace

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

    def _report(self, step: Trying) -> TrialReport:
        return TrialReport(
            outcome="failed" if step.failure else "passed",
            level=_level(step),
            runner=self.looker.runner.name,
            seconds=round(step.seconds, 2),
            tries=step.looks,
            put_back=step.plan.put_back,
            failure=step.failure,
            notes=tuple(dict.fromkeys(step.notes)),
            import_seconds=step.trace.import_seconds if step.trace else {},
            log=f"trials/{step.name}.log" if self.trial.logs else "",
        )

    def _proven(self, step: Trying) -> StepPlan:
        """Return the step's plan with its proof, or marked as one that nobody has seen to run."""
        plan, notes = step.plan, list(step.notes)
        if step.failure:
            plan = marked_untried(self.mender.unslimmed(step))
            notes.append(f"not seen to run; its trial fails with all it declares: {step.failure}")
        else:
            proof = Proof(
                level=_level(step), runner=self.looker.runner.name, step_digest=plan.step_digest
            )
            plan = plan.model_copy(update={"proof": proof})
            if ALL in plan.put_back:
                notes.append(f"shipped with all it declares: {plan.put_back[ALL]}")
        told = dict.fromkeys((*plan.notes, *notes))
        plan = plan.model_copy(update={"notes": tuple(told)})
        remember_decision(self.context, plan)
        return plan

    def check_failed(self) -> None:
        """Refuse to go on where a step does not run.

        Raises:
            GateError: one fails with all that it declares, and may not go untried.
        """
        failed = [s for s in self.steps.values() if s.failure and s.name not in self.trial.untried]
        if not failed:
            return
        first, names = failed[0], [step.name for step in failed]
        others = f"; {', '.join(names[1:])} as well" if names[1:] else ""
        raise GateError(
            f"step {first.name}: its trial fails with all that it declares, too: "
            f"{first.failure}{others}",
            hint="Nothing was published. --allow-untried "
            f"{','.join(names)} publishes it with all that it declares, and marks it.",
        )

    # beginnings

    def _start(self, whole: Whole, step: StepPlan) -> StepPlan:
        """Return the plan to begin with: the known one, if its bytecode is as it is wanted."""
        images = tuple(image.model_copy(update={"trial": ""}) for image in step.images)
        if [image.bytecode for image in images] == [image.bytecode for image in whole.images]:
            return step.model_copy(update={"images": images})
        return decide(self.context, whole, step.put_back)[0]

    def _case(self, whole: Whole) -> Case:
        uses = step_uses(self.context, whole.step)
        imports, local = (uses.imports, uses.local) if uses else ((), ())
        wanted = wanted_from(imports, _offers(self.context, whole, uses), local)
        component = self.components.get(whole.step.executor, {})
        root = Path(self.context.config.root)
        return case_for(whole.step, wanted, self._settings(whole), component, root)

    def _settings(self, whole: Whole) -> TrialSettings:
        settings = self.context.config.for_step(whole.step.name).trial
        update: dict[str, bool] = {"run": runs(self.context, whole.step.name, self.trial)}
        if self.trial.network is not None:
            update["network"] = self.trial.network
        return settings.model_copy(update=update)

    def _first_images(self) -> list[StepPlan]:
        steps = list(self.steps.values())
        whole = [self.mender.unslimmed(step) for step in steps if self._compares(step)]
        return [step.plan for step in steps] + whole

    def _compares(self, step: Trying) -> bool:
        """Tell whether outputs are to be compared with those of the unslimmed image."""
        return step.whole.trusting and bool(step.plan.dropped or image_here(step.plan).cut)

    # trials that run the steps

    def _chain(self) -> None:
        """Run the pipeline, each step on what the steps before it made."""
        root = Path(self.context.config.root)
        given = {e: given_by(self._settings(s.whole), root) for e, s in self.steps.items()}
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
        run = Run(step.case.running(ready.given))
        step.runs.append(run)
        return _made(run) if self._until_it_passes(step) else None

    def _again(self, step: Trying, ready: Ready) -> Given | None:
        """Run a step that is proven already, if another one waits for what it makes."""
        order = [one.executor for one in self.before.plan.steps]
        if not any(e in self.steps for e in order[order.index(ready.executor) + 1 :]):
            return None
        run = Run(step.case.running(ready.given))
        return _made(run) if self.looker.look(step, step.plan, run).passed else None

    def _without_chain(self, step: Trying) -> None:
        """Try what could not be run in its place: by inputs of its own, or up to its start."""
        if step.whole.trusting and step.case.level != "run":
            step.whole = replace(step.whole, trusting=False)
            if self.mend:
                step.plan = decide(self.context, step.whole, step.plan.put_back)[0]
        step.runs.append(Run(step.case))
        self._until_it_passes(step)


def _offers(context: Context, whole: Whole, uses: Uses | None) -> Callable[[str], bool]:
    """Return what tells whether a module is there before anything is left out."""
    slot, lock = whole.slots[0]
    environment = environment_of(context, lock, uses)
    found = slot.base.measurement.distributions
    beneath = {name.partition(".")[0] for one in found for name in one.imports}

    def offers(module: str) -> bool:
        top = module.partition(".")[0]
        return top in environment.standard or top in beneath or bool(environment.owners(module))

    return offers


def _level(step: Trying) -> Level:
    return step.runs[0].case.level if step.runs else step.case.level


def _made(run: Run) -> Given | None:
    """Return what the last run that passed made."""
    case, folder = run.case, run.folder
    return produced(folder / "run", case.ports, case.place) if folder else None
