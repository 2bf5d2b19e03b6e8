"""Trials by a task of their own: the question that ``assemble`` asks, the answer to ``publish``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kfslim.errors import GateError
from kfslim.flow.auditing import step_uses
from kfslim.flow.context import Context
from kfslim.oci import Reference
from kfslim.plan.model import StepPlan
from kfslim.report.sizes import counted, human_seconds
from kfslim.steps.config import TrialSettings
from kfslim.steps.ir import load_documents, read_pipeline
from kfslim.steps.model import Step
from kfslim.tasks.packing import unpack
from kfslim.trial.cases import Case, Wanted, case_for, components, limits_of, wanted_from
from kfslim.trial.inputs import LOCAL
from kfslim.trial.model import Verdict
from kfslim.trial.task import PLACE, Question, answer, ask, read_answer


def question_for(context: Context, planned: StepPlan, pipeline: str, digest: str) -> Question:
    """Return what a task on the candidate of ``digest`` is asked.

    ``pipeline`` (compiled YAML, perhaps packed) has the step's source.  Without it, and for a step
    that it does not have, only what is installed is looked at.

    Raises:
        BadPipeline: ``pipeline`` is none.
        KfslimError: what reading the step's sources raises.
    """
    settings = _settings(context, planned.name)
    text = unpack(pipeline)
    step = _step(planned, text) if text.strip() else None
    case = _case(context, step, text, settings) if step else _bare(planned, settings)
    return ask(planned, case, digest)


def _settings(context: Context, name: str) -> TrialSettings:
    """Return the settings, without inputs that are not here, and values that are secret."""
    wanted = context.config.for_step(name).trial
    env = {key: value for key, value in wanted.env.items() if not value.startswith("$")}
    return TrialSettings(modules=wanted.modules, seconds=wanted.seconds, env=env)


def _step(planned: StepPlan, text: str) -> Step | None:
    """Find the plan's step in a pipeline; in one of a single step it may have another name."""
    steps = read_pipeline(text, "the pipeline").steps
    named = [step for step in steps if step.executor == planned.executor]
    return next(iter(named or (steps if len(steps) == 1 else ())), None)


def _case(context: Context, step: Step, text: str, settings: TrialSettings) -> Case:
    uses = step_uses(context, step)
    imports = uses.imports if uses else ()
    # What a source imports outright must be there: nobody knows here what was declared for it.
    local = uses.local if uses else frozenset()
    outright = {_top(one.module) for one in imports if one.kind == "plain"} - local
    wanted = wanted_from(imports, lambda module: _top(module) in outright, local)
    component = components(load_documents(text)[0]).get(step.executor, {})
    case = case_for(step, wanted, settings, component, Path(), environ={})
    return replace(case, place=PLACE) if case.place == LOCAL else case


def _top(module: str) -> str:
    return module.partition(".")[0]


def _bare(planned: StepPlan, settings: TrialSettings) -> Case:
    return Case(
        step=planned.name,
        level="imports",
        modules=tuple(map(Wanted, settings.modules)),
        env=settings.env,
        place=PLACE,
        limits=limits_of(settings),
    )


def judge(context: Context, path: str, candidate: Reference) -> Verdict:
    """Judge the answer at ``path``.

    Raises:
        GateError: it is about another image than ``candidate``.
        BadPlan: it is no answer.
    """
    told = read_answer(Path(path))
    if told.question.digest != candidate.digest:
        raise GateError(
            f"the trial is of {told.question.digest}, not of {candidate.short}",
            hint="Hand on the question of the assemble component that made the candidate.",
        )
    with context.cache.scratch() as folder:
        return answer(told, folder)


def check_passed(verdict: Verdict, candidate: Reference) -> None:
    """Stop where a trial said no.

    Raises:
        GateError: it did.
    """
    if verdict.passed:
        return
    first, *others = verdict.failures
    more = f" (and {counted(len(others), 'more failure')})" if others else ""
    raise GateError(
        f"the trial of step {verdict.step} failed: {first.text}{more}; nothing was published",
        hint=f"The candidate stays for looking into: {candidate.short}",
    )


def facts_of(verdict: Verdict) -> tuple[tuple[str, str], ...]:
    """Return what a page tells of a trial."""
    how = "passed" if verdict.passed else "failed"
    looked = {"imports": "its imports", "start": "its imports and its start"}
    done = looked.get(verdict.level, "a run")
    absent = (("Does without", ", ".join(verdict.absent)),) if verdict.absent else ()
    return (("Trial", f"{how}: {done}, {human_seconds(verdict.seconds)}"), *absent)
