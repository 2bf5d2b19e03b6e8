"""The body of the ``pin`` component."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kfslim.errors import GateError, InputError
from kfslim.files import write_atomic
from kfslim.flow.pinning import pin_published
from kfslim.flow.places import parse_pull_from, parse_target
from kfslim.report.page import Page, PageTable
from kfslim.report.sizes import counted
from kfslim.tasks.inputs import read_plan
from kfslim.tasks.outputs import Metrics, Shown
from kfslim.tasks.packing import unpack
from kfslim.tasks.running import Stopwatch, task
from kfslim.tasks.verifying import verify_outside


@dataclass(frozen=True)
class Done:
    """``steps`` is how many steps were pinned."""

    steps: int
    metrics: Metrics


def pin(
    pipeline: str,
    registry: str,
    *,
    shown: Shown,
    result: str,
    plan: str | None = None,
    lock: str = "",
    images: Sequence[str] = (),
    pull_from: str = "",
    config: str = "",
    insecure: bool = False,
) -> Done:
    """Pin the steps of a plan in ``pipeline`` (YAML text); write the pinned YAML to ``result``.

    ``images`` are references that must be among those it is pinned to: the outputs of ``publish``.
    The KFP SDK must load what comes out.
    """
    watch = Stopwatch()
    with task(config, insecure=insecure) as context:
        followed = read_plan(lock, plan)
        if followed is None:
            raise InputError("nothing to pin: give the plan that was published")
        made = pin_published(
            context,
            unpack(pipeline),
            followed,
            parse_target(registry),
            parse_pull_from(pull_from),
            where="the pipeline",
        )
        _check_images(images, made.pins)
        verify_outside(made.pipeline)
        write_atomic(Path(result), made.pipeline)
        shown.write(_page(followed.pipeline, made.pins))
        metrics: Metrics = {
            "steps": len(made.pins),
            "left_alone": len(followed.left_alone),
            "seconds": watch.seconds,
        }
        return Done(len(made.pins), metrics)


def _check_images(images: Sequence[str], pins: Mapping[str, str]) -> None:
    for image in images:
        if image not in pins.values():
            raise GateError(
                f"{image} was published, but no step's tag leads to it; nothing was pinned",
                hint="Another run published the same plan's tag meanwhile: run again.",
            )


def _page(pipeline: str, pins: Mapping[str, str]) -> Page:
    rows = tuple((label.removeprefix("exec-"), image) for label, image in pins.items())
    table = PageTable("Pinned steps", ("Step", "Image"), rows)
    return Page(f"Pinned: {pipeline}", (("Pinned", counted(len(rows), "step")),), (table,))
