"""Steps, plans and builds as tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from rich.console import RenderableType
from rich.text import Text

from kfslim.plan.model import Plan
from kfslim.report.model import BuildResult
from kfslim.report.sizes import human_bytes
from kfslim.report.terminal import new_grid, new_table, print_parts
from kfslim.steps.model import LeftAlone, Pipeline, Step


def print_steps(pipeline: Pipeline, stream: TextIO | None = None) -> None:
    """Print what was understood of each step."""
    table = new_table("Step", "Kind", "Image", "Installs at every run", "Notes")
    for step in pipeline.steps:
        cells = (step.name, step.kind, step.image, ", ".join(_installed(step)), _remarks(step))
        table.add_row(*map(Text, cells))
    title = f"{pipeline.name}  (compiled by {pipeline.sdk_version or 'an unknown SDK'})"
    print_parts(stream, Text(title, style="bold"), table)


def _installed(step: Step) -> list[str]:
    declared = step.declared
    return [*declared.packages, *filter(None, [declared.kfp_requirement])]


def _remarks(step: Step) -> str:
    if step.left_alone:
        return f"left alone: {step.left_alone}"
    asked = step.resources
    named = (("cpu", asked.cpu), ("memory", asked.memory), (asked.accelerator, "accelerator"))
    return ", ".join(f"{name} {value}" for name, value in named if name and value)


def print_plan(plan: Plan, stream: TextIO | None = None) -> None:
    """Print what will be built, and what is left alone."""
    table = new_table("Step", "Base", "Python", ">Packages", ">Layers", ">Wheels", "Tag")
    for step in plan.steps:
        image = step.images[0]
        wheels = sum(locked.content_bytes for locked in image.lock.distributions)
        table.add_row(
            Text(step.name),
            Text(image.base.asked),
            Text(image.base.python.version),
            str(len(image.lock.distributions)),
            str(len(image.layers)),
            human_bytes(wheels),
            Text(step.tag),
        )
    print_parts(stream, table, *notes(plan), *left_alone(plan.left_alone))


def notes(plan: Plan) -> list[RenderableType]:
    """What the user should know of single steps."""
    lines = [(step.name, note) for step in plan.steps for note in step.notes]
    return [new_grid(lines), Text()] if lines else []


def left_alone(steps: Sequence[LeftAlone]) -> list[RenderableType]:
    """The steps that keep their image, and why."""
    if not steps:
        return []
    rows = [(step.step, step.image, step.reason) for step in steps]
    return [Text("Left alone", style="bold"), new_grid(rows)]


def print_build(result: BuildResult, stream: TextIO | None = None) -> None:
    """Print what was published."""
    table = new_table("Step", ">Content", ">Disk", "", "Reference")
    for step in result.steps:
        table.add_row(
            Text(step.name),
            human_bytes(step.content_bytes),
            human_bytes(step.disk_bytes),
            "unchanged" if step.unchanged else "",
            Text(step.reference),
        )
    rows = [
        ("Pushed", human_bytes(result.pushed_bytes)),
        ("Mounted", human_bytes(result.mounted_bytes)),
        ("There already", human_bytes(result.present_bytes)),
    ]
    print_parts(stream, table, new_grid(rows))
