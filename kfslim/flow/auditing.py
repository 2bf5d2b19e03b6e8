"""Steps, whole pipelines, source trees and requirement lists → their audits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from kfslim.audit.growth import growth
from kfslim.audit.model import Audit, Problem, StepAudit, StepGrowth
from kfslim.audit.question import Question
from kfslim.audit.uses import Uses
from kfslim.errors import InputError
from kfslim.flow.asking import ask, decide, read_step
from kfslim.flow.auditing_sources import audit_source as audit_source  # noqa: PLC0414
from kfslim.flow.context import Context
from kfslim.flow.options import Options
from kfslim.flow.preparing import prepare
from kfslim.flow.reading import read_steps
from kfslim.lock.model import Lock, Locked
from kfslim.plan.model import Plan
from kfslim.steps.model import Needs, Step
from kfslim.steps.places import Places, places_of
from kfslim.trial.model import Trace

_NONE: Mapping[str, str] = MappingProxyType({})


def audit_slot(
    context: Context,
    step: Step,
    needs: Needs,
    lock: Lock,
    *,
    base_provides: Collection[tuple[str, str]] = (),
    trace: Trace | None = None,
    put_back: Mapping[str, str] = _NONE,
    trusting: bool = False,
    places: Places | None = None,
) -> StepAudit:
    """Audit one step on its full lock, reading its source and its configured project folders.

    ``base_provides`` are (name, version) of the base's distributions; ``put_back`` says by name why
    a failed trial needs a distribution; ``trusting``: the step itself will be run afterwards, so
    doubts keep nothing.  ``places`` say where source and packages lie.  ``distributions`` of the
    result are the names that the image needs.

    Raises:
        BadRequirement: a requirement is none by name.
        InputError: a project folder cannot be read.
        KfslimError: as :func:`kfslim.lock.install.install`.
    """
    read = read_step(context, step, places)
    question = ask(context, step, needs, lock, read.uses, base_provides, places)
    question = replace(question, trace=trace, put_back=put_back, trusting=trusting)
    return decide(context, lock, question, read.where).audit


def step_uses(context: Context, step: Step) -> Uses | None:
    """Return what the sources of ``step`` use; None where there is none to read.

    Raises:
        InputError: a project folder cannot be read.
    """
    return read_step(context, step).uses


def audit_pipeline(
    context: Context,
    text: str,
    options: Options,
    existing: Plan | None = None,
    where: str = "",
    *,
    sources: Mapping[str, str] = _NONE,
    traces: Sequence[Trace] = (),
    against: Plan | None = None,
    only: Collection[str] = (),
) -> Audit:
    """Audit the steps of a compiled pipeline (YAML, called ``where``) on their first platform.

    ``existing`` gives the versions to keep to.  ``sources`` are Python files (name → text) that may
    hold the steps' functions.  ``traces`` are of trials of ``existing``.  ``against`` is the plan
    to tell growth from; ``only`` names the steps to audit (none: all).

    Raises:
        BadPipeline: ``text`` is no compiled KFP v2 pipeline.
        InputError: there is no step of a name in ``only`` or ``traces``, or a trace is of another
            version of its step.
        KfslimError: what reading images, locking or installing raises.
    """
    pipeline = read_steps(context, text, where)
    _check_names([step.name for step in pipeline.steps], only)
    if only:
        steps = tuple(step for step in pipeline.steps if step.name in only)
        pipeline = pipeline.model_copy(update={"steps": steps})
    ready = prepare(context, pipeline, options, existing)
    places = places_of(pipeline, text, where, sources)
    seen = _checked(traces, existing)
    audits: list[StepAudit] = []
    problems: list[Problem] = []
    grown: list[StepGrowth] = []
    with context.progress.task("auditing", len(ready.needed), "steps") as task:
        for step, needs in ready.needed:
            slot, lock = ready.of(step)[0]
            mine = places[step.executor]
            read = read_step(context, step, mine)
            question = ask(context, step, needs, lock, read.uses, slot.base.provided, mine)
            question = replace(question, trace=seen.get(needs.step))
            question, audit = decide(context, lock, question, read.where)
            audits.append(audit)
            problems += read.problems
            if against:
                grown.append(_growth(question, audit, lock, _old(against, step, lock)))
            task.advance(1)
    return Audit(
        subject=where,
        steps=tuple(audits),
        skipped={left.step: left.reason for left in ready.left_alone},
        problems=tuple(problems),
        growth=tuple(grown),
    )


def _check_names(known: Sequence[str], named: Collection[str]) -> None:
    for name in named:
        if name not in known:
            raise InputError(
                f"there is no step {name!r} to audit", hint=f"There are: {', '.join(known)}."
            )


def _checked(traces: Sequence[Trace], existing: Plan | None) -> dict[str, Trace]:
    """Return the traces by step; one of another step or version proves nothing and is refused."""
    digests = {step.name: step.step_digest for step in existing.steps} if existing else {}
    for trace in traces:
        if trace.step not in digests:
            raise InputError(
                f"the trace of step {trace.step!r} belongs to no step of the plan",
                hint="Name the plan that was tried: --plan FILE.",
            )
        if trace.step_digest != digests[trace.step]:
            raise InputError(
                f"the trace of step {trace.step!r} is of another version of the step",
                hint="Try the step again as it is planned now.",
            )
    return {trace.step: trace for trace in traces}


def _old(against: Plan, step: Step, lock: Lock) -> Sequence[Locked]:
    """Return what ``against`` gave a step on the platform of ``lock``."""
    for planned in against.steps:
        for image in planned.images:
            if planned.executor == step.executor and image.base.platform == lock.platform:
                return image.lock.distributions
    return ()


def _growth(
    question: Question, audit: StepAudit, lock: Lock, before: Sequence[Locked]
) -> StepGrowth:
    """Compare what an audit keeps with what there was; name the requirements that bring it."""
    through: dict[str, tuple[str, ...]] = {}
    for line in audit.kept:
        for name in question.environment.closure([line]):
            through[name] = (*through.get(name, ()), line)
    after = [one for one in lock.distributions if one.name in audit.distributions]
    return growth(audit.step, before, after, through)
