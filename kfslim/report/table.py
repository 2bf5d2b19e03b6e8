"""The before/after table that ends a run."""

from __future__ import annotations

from collections import defaultdict
from typing import TextIO

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from kfslim.report.model import Report, StepReport
from kfslim.report.sizes import change, counted, human_bytes, human_seconds, maybe_bytes
from kfslim.report.terminal import new_grid, new_table, print_parts
from kfslim.report.trials import how_tried, put_back, what_went

_NAMED = 4  # names in one cell; of more, the number is told


def print_report(report: Report, stream: TextIO | None = None) -> None:
    """Print before and after, the totals, what the user should know, and what was left alone."""
    parts = (*_tried(report), *_remarks(report), *_left_alone(report))
    print_parts(stream, _steps_table(report), _totals_grid(report), *parts)


def _steps_table(report: Report) -> Table:
    table = new_table(
        "Step",
        ">Content\nbefore",
        ">Installed\nat every run",
        ">Content\nafter",
        ">Disk\nafter",
        ">Packages\nafter",
        ">",
    )
    for step in report.steps:
        table.add_row(*_report_cells(step))
    return table


def _report_cells(step: StepReport) -> list[Text]:
    before, install = step.before.content_bytes, step.runtime_install
    installed = install.content_bytes if install else 0
    return [
        Text(step.name),
        Text(maybe_bytes(before)),
        Text(("~" if install and install.estimate else "") + human_bytes(installed)),
        Text(human_bytes(step.content_bytes), style="bold green"),
        Text(human_bytes(step.disk_bytes)),
        Text(str(len(step.distributions))),
        Text("" if before is None else change(before + installed, step.content_bytes)),
    ]


def _totals_grid(report: Report) -> Table:
    totals = report.totals
    before = totals.before
    pulled = human_bytes(totals.after.content_bytes)
    if before:
        ratio = change(before.content_bytes, totals.after.content_bytes)
        pulled = f"{human_bytes(before.content_bytes)} → {pulled}  ({ratio})"
    disk = human_bytes(totals.after.disk_bytes)
    if before:
        disk = f"{human_bytes(before.disk_bytes)} → {disk}"
    installed = (
        f"{counted(totals.runtime_install_distributions, 'package')}, "
        f"{human_bytes(totals.runtime_install_content_bytes)} → nothing"
    )
    moved = totals.traffic
    seconds = [f"{phase} {human_seconds(spent)}" for phase, spent in totals.seconds.items()]
    return new_grid(
        [
            ("A fresh node pulls for one run", pulled),
            ("It then takes on disk", disk),
            ("Installed at every run", installed),
            (
                "Published",
                f"{human_bytes(moved.pushed_bytes)} pushed, "
                f"{human_bytes(moved.mounted_bytes)} mounted, "
                f"{human_bytes(moved.present_bytes)} there already",
            ),
            ("Time", ", ".join(seconds) or "–"),
        ]
    )


def _tried(report: Report) -> list[RenderableType]:
    """What each step goes without, how it was tried, and what came back; nothing if nothing."""
    if not any(step.gone or step.trial for step in report.steps):
        return []
    table = new_table("Step", "Left out", ">Saves", "Tried", "Put back")
    for step in report.steps:
        went = what_went(step.gone)
        table.add_row(
            Text(step.name),
            Text(_few([one.requirement for one in went]) or "–"),
            Text(human_bytes(sum(one.content_bytes for one in went)) if went else "–"),
            Text(how_tried(step.trial) or "–"),
            Text(_few([what for what, _ in put_back(step.trial)]) or "–"),
        )
    return [Text(), table]


def _few(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _remarks(report: Report) -> list[RenderableType]:
    """Each remark once, with the steps that it is about: images that were not read, then notes."""
    about: dict[str, list[str]] = defaultdict(list)
    for step in report.steps:
        if step.before.reason:
            about[f"before: {step.before.reason}"].append(step.name)
    for step in report.steps:
        for note in step.notes:
            about[note].append(step.name)
        for what, why in put_back(step.trial):
            about[f"put back {what}: {why}"].append(step.name)
    rows = [(_listed(names, len(report.steps)), remark) for remark, names in about.items()]
    return [Text(), new_grid(rows)] if rows else []


def _listed(names: list[str], steps: int) -> str:
    return "all steps" if len(names) == steps > 1 else _few(names)


def _left_alone(report: Report) -> list[RenderableType]:
    if not report.left_alone:
        return []
    table = new_table("Left alone", "Image", "Why")
    for left in report.left_alone:
        table.add_row(Text(left.step), Text(left.image or "–"), Text(left.reason))
    return [Text(), table]
