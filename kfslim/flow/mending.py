"""One step, until its image passes: what failures name, or a search finds, is put back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from kfslim.audit.graph import Environment
from kfslim.flow.auditing import step_uses
from kfslim.flow.candidates import image_here, place_here
from kfslim.flow.context import Context
from kfslim.flow.deciding import ALL, decide
from kfslim.flow.dissecting import environment_of
from kfslim.flow.finishing import compiled_step, cut_step, install_image, needed_of_pruned
from kfslim.flow.looking import Looker, Run, Trying
from kfslim.flow.repairing import CUT, bisect, culprits, removed
from kfslim.plan.model import StepPlan
from kfslim.trial.model import Outputs, Trace, Verdict

Traces = Mapping[str, Trace]  # of all steps that passed, by executor label


class Mender:
    """Brings steps through their trials by at most ``tries`` slimmed images each."""

    def __init__(self, context: Context, looker: Looker, tries: int) -> None:
        self._context, self._looker, self._tries = context, looker, tries

    def settle(self, step: Trying, traces: Traces | None = None) -> None:
        """Repair ``step`` until its candidate passes; with ``traces``, until its final image does.

        Raises:
            Failed: it fails with all that it declares.
            KfslimError: images cannot be made, or the runner itself failed.
        """
        self._spare(step)
        while True:
            plan, final = self._next(step, traces)
            verdict = self._looker.look_all(step, plan)
            if verdict is not None and not verdict.passed:
                self._repair(step, plan, verdict, traces)
                continue
            step.trace = step.trace or step.passed_trace
            if final or traces is None or step.trace is None:
                step.plan = plan
                return

    def unslimmed(self, step: Trying) -> StepPlan:
        """Return the plan of the step with all that it declares, and nothing pruned."""
        return decide(self._context, step.whole, {ALL: "to compare with"})[0]

    def reference(self, step: Trying, run: Run) -> Outputs | None:
        """Run the unslimmed image, and return what it made.

        Raises:
            Failed: it fails.
        """
        verdict = self._looker.look(step, self.unslimmed(step), replace(run))
        step.whole_passes = verdict.passed
        if not verdict.passed:
            raise step.fail(verdict)
        step.whole_trace = verdict.trace
        return verdict.outputs

    def _spare(self, step: Trying) -> None:
        """Prune nothing that a run of the unslimmed image used."""
        trace, step.whole_trace = step.whole_trace, None
        if trace and (used := needed_of_pruned(self._context, step.plan, trace)):
            self._put_back(step, dict.fromkeys(used, "a run of the unslimmed image used it"))

    def _next(self, step: Trying, traces: Traces | None) -> tuple[StepPlan, bool]:
        """Return what to try: the candidate, or the final image where the candidate passed."""
        if traces is None or step.trace is None:
            return step.plan, False
        return self._finished(step, traces), True

    def _finished(self, step: Trying, traces: Traces) -> StepPlan:
        assert step.trace
        if image_here(step.plan).compiled:
            return step.plan  # it came with the plan, and passed
        plan = step.plan
        if step.whole.prune == "trace":
            plan = cut_step(self._context, step.whole, plan, {**traces, plan.executor: step.trace})
        return compiled_step(step.plan, plan, step.trace, self._environment(step))

    def _repair(
        self, step: Trying, plan: StepPlan, verdict: Verdict, traces: Traces | None
    ) -> None:
        step.tries += 1
        more = self._missed(step, plan, verdict, traces)
        what = "everything" if ALL in more else ", ".join(more)
        why = next(iter(more.values()))
        self._context.progress.note(f"trial of {step.name}: {why}; put back: {what}")
        self._put_back(step, more)
        if not all(name.startswith(CUT) for name in more):
            step.trace = None  # a candidate again

    def _put_back(self, step: Trying, more: Mapping[str, str]) -> None:
        step.plan = decide(self._context, step.whole, {**step.plan.put_back, **more})[0]

    def _missed(
        self, step: Trying, plan: StepPlan, verdict: Verdict, traces: Traces | None
    ) -> dict[str, str]:
        """Return what to put back after a failure, and why."""
        if ALL in plan.put_back:
            raise step.fail(verdict)
        named = self._culprits(step, plan, verdict)
        if named and step.tries < self._tries:
            return named
        self._check_whole(step)
        why = verdict.failures[0].text
        items = [name for name in removed(plan, image_here(plan)) if name not in plan.put_back]
        left = self._tries - step.tries
        if left <= 0 or not items:
            return {ALL: f"{why} ({step.tries} trials did not show what it needs)"}
        found = bisect(items, lambda names: self._passes(step, names, why, traces), left)
        if len(found) == len(items):
            return {ALL: why}
        return dict.fromkeys(found, f"found by search: {why}")

    def _culprits(self, step: Trying, plan: StepPlan, verdict: Verdict) -> dict[str, str]:
        here = image_here(plan)
        with self._context.cache.scratch() as folder:
            installed = install_image(self._context, here, folder)
            found = culprits(verdict.failures, plan, here, self._environment(step), installed)
        return {name: why for name, why in found.items() if name not in plan.put_back}

    def _passes(
        self, step: Trying, names: Collection[str], why: str, traces: Traces | None
    ) -> bool:
        """Try the step with ``names`` put back, too."""
        step.tries += 1
        trial = replace(step)
        self._put_back(trial, dict.fromkeys(names, why))
        plan, _ = self._next(trial, traces)
        verdict = self._looker.look_all(step, plan)
        return verdict is None or verdict.passed

    def _check_whole(self, step: Trying) -> None:
        """Make sure that the step passes with all that it declares."""
        if step.whole_passes is None:
            run = replace(step.runs[-1], expected=None)
            verdict = self._looker.look(step, self.unslimmed(step), run)
            step.whole_passes = verdict.passed
            if not verdict.passed:
                raise step.fail(verdict)

    def _environment(self, step: Trying) -> Environment:
        _, lock = step.whole.slots[place_here(step.plan)]
        return environment_of(self._context, lock, step_uses(self._context, step.whole.step))
