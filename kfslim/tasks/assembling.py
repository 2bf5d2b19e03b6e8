"""The body of the ``assemble`` component."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kfslim.errors import InputError
from kfslim.flow.building import Built, build_images
from kfslim.flow.context import Context
from kfslim.flow.options import ALL, BASE, Options
from kfslim.flow.places import parse_pull_from, parse_target
from kfslim.measure.model import StepMeasure
from kfslim.plan.model import Plan
from kfslim.report.make import StepResult, make_report
from kfslim.report.model import Report, Totals, Traffic
from kfslim.tasks.inputs import only_step, read_plan
from kfslim.tasks.outputs import Metrics, Shown
from kfslim.tasks.planning import plan_text
from kfslim.tasks.running import Stopwatch, task
from kfslim.tasks.trying import question_for


@dataclass(frozen=True)
class Done:
    """``candidate`` is repository, tag and digest in one; ``unchanged``: nothing was built.

    ``image`` is the candidate by digest, under the name that nodes pull.
    """

    candidate: str
    unchanged: bool
    image: str
    metrics: Metrics


@dataclass(frozen=True)
class _Planned:
    plan: Plan
    before: StepMeasure | None


def assemble(
    registry: str,
    *,
    shown: Shown,
    result: str,
    question: str,
    plan: str | None = None,
    lock: str = "",
    pipeline: str = "",
    step: str = "",
    upgrade: Sequence[str] = (),
    before: bool = True,
    pull_from: str = "",
    config: str = "",
    insecure: bool = False,
) -> Done:
    """Assemble one step's image as a candidate, and write the plan that it follows to ``result``.

    What a trial of it is asked goes to ``question``.

    The plan is the artifact at ``plan``, or the text ``lock``, followed to the letter.  Without
    either, or with names to ``upgrade``, the step is planned first, from ``pipeline``.
    """
    watch = Stopwatch()
    with task(config, insecure=insecure) as context:
        whole, target = read_plan(lock, plan), parse_target(registry)
        existing = only_step(whole, step) if whole else None
        newer = _newer(context, upgrade, existing)
        found = (
            _Planned(existing, None)
            if existing and not newer
            else _plan(context, pipeline, registry, existing, step, newer, before)
        )
        pulled = parse_pull_from(pull_from)
        built = build_images(context, found.plan, target, pulled, candidates=True)
        found.plan.save(Path(result))
        report = _report(found, built, watch)
        shown.write_report(report)
        (done,) = built.steps
        digest = done.reference.rpartition("@")[2]
        asked = question_for(context, found.plan.steps[0], pipeline, digest)
        asked.save(Path(question))
        candidate = str(target.at(tag=done.tag, digest=digest))
        metrics = _metrics(report, done.unchanged)
        return Done(candidate, done.unchanged, done.reference, metrics)


def _newer(context: Context, upgrade: Sequence[str], existing: Plan | None) -> list[str]:
    """Return what to take newer versions of for this step; all steps are asked for the same."""
    if existing is None:
        return []
    options = Options(upgrade=frozenset(upgrade))
    images = [image for one in existing.steps for image in one.images]
    held = {found.name for image in images for found in image.lock.distributions}
    for name in sorted(options.upgraded - held):
        context.progress.note(f"upgrade {name}: this step has no package of that name")
    return sorted((options.upgraded & held) | (options.upgrade & {ALL, BASE}))


def _plan(
    context: Context,
    pipeline: str,
    registry: str,
    existing: Plan | None,
    step: str,
    upgrade: Sequence[str],
    before: bool,
) -> _Planned:
    if not pipeline.strip():
        raise InputError("nothing to assemble: give a plan, a lock, or a compiled pipeline")
    planned = plan_text(context, pipeline, registry, existing, upgrade, before=before)
    only = only_step(planned.plan, step)
    old = {one.name: one for one in planned.before.steps}
    return _Planned(only, old.get(only.steps[0].executor.removeprefix("exec-")))


def _report(found: _Planned, built: Built, watch: Stopwatch) -> Report:
    (done,), (planned,) = built.steps, found.plan.steps
    result = StepResult(
        name=done.name,
        reference=done.reference,
        base=planned.images[0].base.asked,
        image=done.images[0],
        before_reference=found.before.reference if found.before else "",
        before=found.before,
        before_reason="not measured: the plan was followed as it is",
        notes=planned.notes,
    )
    moved = built.traffic
    traffic = Traffic(
        pushed_bytes=moved.pushed_bytes,
        mounted_bytes=moved.mounted_bytes,
        present_bytes=moved.present_bytes,
    )
    seconds = {"assemble": watch.seconds}
    return make_report(found.plan.pipeline, [result], traffic=traffic, seconds=seconds)


def _metrics(report: Report, unchanged: bool) -> Metrics:
    """Return the figures of one step; those of before are there where its image was measured."""
    totals, (step,) = report.totals, report.steps
    return {
        "content_bytes": step.content_bytes,
        "disk_bytes": step.disk_bytes,
        "packages": len(step.distributions),
        "pushed_bytes": totals.traffic.pushed_bytes,
        "mounted_bytes": totals.traffic.mounted_bytes,
        "present_bytes": totals.traffic.present_bytes,
        "unchanged": int(unchanged),
        "seconds": sum(totals.seconds.values()),
        **_before(totals),
    }


def _before(totals: Totals) -> Metrics:
    if totals.before is None:
        return {}
    return {
        "content_bytes_before": totals.before.content_bytes,
        "disk_bytes_before": totals.before.disk_bytes,
    }
