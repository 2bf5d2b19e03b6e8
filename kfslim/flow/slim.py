"""The main job: a compiled pipeline in, published slim images and a pinned pipeline out.

Each step goes one way:

1. *read*: what it declares, on which base, locked whole (:mod:`kfslim.flow.preparing`);
2. *audited*: what of that nobody needs is dropped from its plan (:mod:`kfslim.flow.deciding`);
3. *tried*: an image of the plan is made here and run; what it turns out to need is put back
   (:mod:`kfslim.flow.trying` has the states of that);
4. *published*: built from the plan and nothing else, tagged, and pinned.

What an earlier run decided and proved is kept while nothing that it follows from has changed:
then 2 and 3 cost nothing, and 4 one request for each step.  Nothing is published, and nothing
pinned, unless every step came through 3.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from kfslim.flow.builders import Builder
from kfslim.flow.building import DAEMONLESS, Built, build_images
from kfslim.flow.context import Context
from kfslim.flow.options import Options, TrialOptions
from kfslim.flow.pinning import pin_text
from kfslim.flow.planning import Planned, make_plan
from kfslim.flow.proofs import known_trials, marked_untried
from kfslim.flow.reading import read_steps
from kfslim.oci import Reference
from kfslim.plan.model import Plan, StepPlan
from kfslim.report.make import StepResult, make_report
from kfslim.report.model import Gone, Report, Traffic, TrialReport
from kfslim.steps.model import Pipeline


@dataclass(frozen=True)
class Slimmed:
    """What ``slim`` made: the pinned pipeline's text, the plan to commit, and the report."""

    pipeline: str
    plan: Plan
    report: Report


class Clock:
    """Seconds by phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time the block under ``name``."""
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 3)


def slim(
    context: Context,
    text: str,
    target: Reference,
    options: Options,
    *,
    existing: Plan | None = None,
    pull_from: str | None = None,
    where: str = "",
    trial: TrialOptions | None = None,
    builder: Builder = DAEMONLESS,
) -> Slimmed:
    """Plan, try, build, publish and pin the pipeline in ``text`` (YAML, called ``where``).

    Without ``trial`` nothing is run: images that nobody has seen running say so in a label.
    Tried is what kfslim itself makes of a plan, whichever ``builder`` makes what is published.

    Raises:
        BadPipeline: ``text`` is no compiled KFP v2 pipeline.
        GateError: a step does not run, even with all that it declares.
        KfslimError: what a stage raises; then nothing was pinned.
    """
    clock = Clock()
    with clock.phase("plan"):
        pipeline = read_steps(context, text, where)
        planned = make_plan(context, pipeline, options, existing, target, trial)
    with clock.phase("trial"):
        planned, trials = _tried(context, text, planned, trial, target)
    with clock.phase("build and publish"):
        built = build_images(context, planned.plan, target, pull_from, builder=builder)
    with clock.phase("pin"):
        pinned = pin_text(context, text, pins_of(built))
    return Slimmed(pinned, planned.plan, report_of(pipeline, planned, built, clock, trials))


def _tried(
    context: Context,
    text: str,
    planned: Planned,
    trial: TrialOptions | None,
    target: Reference,
) -> tuple[Planned, Mapping[str, TrialReport]]:
    """Return the plan with every step proven, or marked as untried."""
    known = known_trials(planned.plan)
    if len(known) == len(planned.plan.steps):
        return planned, known
    if trial is not None:
        from kfslim.flow.trying import try_steps  # most runs find everything proven

        tried = try_steps(context, text, planned, trial, target)
        return tried.planned, tried.trials
    steps = tuple(s if s.executor in known else marked_untried(s) for s in planned.plan.steps)
    plan = planned.plan.model_copy(update={"steps": steps})
    skipped = {s.executor: TrialReport(outcome="skipped") for s in steps}
    return replace(planned, plan=plan), {**skipped, **known}


def pins_of(built: Built) -> dict[str, str]:
    """Return executor label → reference by digest."""
    return {step.executor: step.reference for step in built.steps}


def report_of(
    pipeline: Pipeline,
    planned: Planned,
    built: Built,
    clock: Clock,
    trials: Mapping[str, TrialReport],
) -> Report:
    """Join before and after."""
    measured = {step.name: step for step in planned.before.steps}
    before = {step.executor: measured[step.name] for step in pipeline.steps}
    plans = {step.name: step for step in planned.plan.steps}
    results = []
    for step in built.steps:
        old, plan = before[step.executor], plans[step.name]
        results.append(
            StepResult(
                name=step.name,
                reference=step.reference,
                base=plan.images[0].base.asked,
                image=step.images[0],
                before_reference=old.reference,
                before=old,
                notes=plan.notes,
                gone=_gone(plan),
                trial=trials.get(step.executor),
            )
        )
    traffic = built.traffic
    return make_report(
        planned.plan.pipeline,
        results,
        left_alone=planned.plan.left_alone,
        findings=[finding for audit in planned.audits.values() for finding in audit.findings],
        traffic=Traffic(
            pushed_bytes=traffic.pushed_bytes,
            mounted_bytes=traffic.mounted_bytes,
            present_bytes=traffic.present_bytes,
        ),
        seconds=clock.seconds,
    )


def _gone(step: StepPlan) -> tuple[Gone, ...]:
    """Return what the image of the first platform goes without."""
    platform = step.images[0].base.platform
    return tuple(
        Gone(
            name=one.locked.name,
            version=one.locked.version,
            content_bytes=one.locked.content_bytes,
            code=one.code,
            requirement=one.requirement,
            why=one.why,
        )
        for one in step.dropped
        if one.platform == platform
    )
