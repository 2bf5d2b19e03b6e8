"""The body of the ``plan`` component."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kfslim.flow.context import Context
from kfslim.flow.options import Options
from kfslim.flow.places import parse_target
from kfslim.flow.planning import Planned, make_plan
from kfslim.flow.reading import read_steps
from kfslim.plan.model import Plan
from kfslim.report.pages import plan_page
from kfslim.tasks.inputs import read_plan
from kfslim.tasks.outputs import Metrics, Shown
from kfslim.tasks.packing import unpack
from kfslim.tasks.running import Stopwatch, task


@dataclass(frozen=True)
class Done:
    """``steps`` are the names of the steps to assemble, in the order that a run meets them."""

    steps: list[str]
    metrics: Metrics


def plan(
    pipeline: str,
    *,
    shown: Shown,
    result: str,
    registry: str = "",
    lock: str = "",
    upgrade: Sequence[str] = (),
    before: bool = True,
    config: str = "",
    insecure: bool = False,
) -> Done:
    """Plan the steps of ``pipeline`` (compiled YAML, as text) and write the plan to ``result``.

    ``lock`` is the text of an earlier plan to keep to, but for the names in ``upgrade``.
    """
    watch = Stopwatch()
    with task(config, insecure=insecure) as context:
        existing = read_plan(lock, None)
        planned = plan_text(context, pipeline, registry, existing, upgrade, before=before)
        planned.plan.save(Path(result))
        shown.write(plan_page(planned.plan))
        return Done([s.name for s in planned.plan.steps], _metrics(planned, existing, watch))


def plan_text(
    context: Context,
    pipeline: str,
    registry: str,
    existing: Plan | None,
    upgrade: Sequence[str],
    *,
    before: bool,
) -> Planned:
    """Plan a pipeline that is given as text.

    Raises:
        BadPipeline: it is none.
        KfslimError: what planning raises.
    """
    # A pod refuses most trials, and what nobody tries must not go.
    options = Options(upgrade=frozenset(upgrade), before=before, audit=False)
    target = parse_target(registry) if registry else None
    steps = read_steps(context, unpack(pipeline), "the pipeline")
    return make_plan(context, steps, options, existing, target)


def _metrics(planned: Planned, existing: Plan | None, watch: Stopwatch) -> Metrics:
    images = [image for step in planned.plan.steps for image in step.images[:1]]
    wheels = {d.sha256: d.content_bytes for image in images for d in image.lock.distributions}
    return {
        "steps": len(planned.plan.steps),
        "left_alone": len(planned.plan.left_alone),
        "packages": len(wheels),
        "wheels_content_bytes": sum(wheels.values()),
        "content_bytes_before": planned.before.unique_content_bytes,
        "runtime_install_bytes_before": planned.before.runtime_install_bytes,
        "unchanged": int(existing is not None and existing.steps == planned.plan.steps),
        "seconds": watch.seconds,
    }
