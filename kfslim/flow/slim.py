"""The main job: a compiled pipeline in, published slim images and a pinned pipeline out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from kfslim.flow.building import Built, build_images
from kfslim.flow.context import Context
from kfslim.flow.options import Options
from kfslim.flow.pinning import pin_text
from kfslim.flow.planning import Planned, make_plan
from kfslim.flow.reading import read_steps
from kfslim.oci import Reference
from kfslim.plan.model import Plan
from kfslim.report.make import StepResult, make_report
from kfslim.report.model import Report, Traffic
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
) -> Slimmed:
    """Plan, build, publish and pin the pipeline in ``text`` (YAML, called ``where`` in messages).

    Raises:
        BadPipeline: ``text`` is no compiled KFP v2 pipeline.
        KfslimError: what a stage raises; then nothing was pinned.
    """
    clock = Clock()
    with clock.phase("plan"):
        pipeline = read_steps(context, text, where)
        planned = make_plan(context, pipeline, options, existing, target)
    with clock.phase("build and publish"):
        built = build_images(context, planned.plan, target, pull_from)
    with clock.phase("pin"):
        pinned = pin_text(context, text, pins_of(built))
    return Slimmed(pinned, planned.plan, report_of(pipeline, planned, built, clock))


def pins_of(built: Built) -> dict[str, str]:
    """Return executor label → reference by digest."""
    return {step.executor: step.reference for step in built.steps}


def report_of(pipeline: Pipeline, planned: Planned, built: Built, clock: Clock) -> Report:
    """Join before and after."""
    measured = {step.name: step for step in planned.before.steps}
    before = {step.executor: measured[step.name] for step in pipeline.steps}
    plans = {step.name: step for step in planned.plan.steps}
    results = []
    for step in built.steps:
        old = before[step.executor]
        results.append(
            StepResult(
                name=step.name,
                reference=step.reference,
                base=plans[step.name].images[0].base.asked,
                image=step.images[0],
                before_reference=old.reference,
                before=old,
                notes=plans[step.name].notes,
            )
        )
    traffic = built.traffic
    return make_report(
        planned.plan.pipeline,
        results,
        left_alone=planned.plan.left_alone,
        traffic=Traffic(
            pushed_bytes=traffic.pushed_bytes,
            mounted_bytes=traffic.mounted_bytes,
            present_bytes=traffic.present_bytes,
        ),
        seconds=clock.seconds,
    )
