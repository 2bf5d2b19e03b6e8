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

_NAMED = 4  # steps named before a remark; of more, the number is told


def print_report(report: Report, stream: TextIO | None = None) -> None:
    """Print before and after, the totals, what the user should know, and what was left alone."""
    parts = (*_remarks(report), *_left_alone(report))
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


def _remarks(report: Report) -> list[RenderableType]:
    """Each remark once, with the steps that it is about: images that were not read, then notes."""
    about: dict[str, list[str]] = defaultdict(list)
    for step in report.steps:
        if step.before.reason:
            about[f"before: {step.before.reason}"].append(step.name)
    for step in report.steps:
        for note in step.notes:
            about[note].append(step.name)
    rows = [(_listed(names, len(report.steps)), remark) for remark, names in about.items()]
    return [Text(), new_grid(rows)] if rows else []


def _listed(names: list[str], steps: int) -> str:
    if len(names) == steps > 1:
        return "all steps"
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _left_alone(report: Report) -> list[RenderableType]:
    if not report.left_alone:
        return []
    table = new_table("Left alone", "Image", "Why")
    for left in report.left_alone:
        table.add_row(Text(left.step), Text(left.image or "–"), Text(left.reason))
    return [Text(), table]
