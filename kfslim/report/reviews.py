"""A reviewed Dockerfile on the terminal: what each instruction cost, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TextIO

from rich.console import RenderableType
from rich.text import Text

from kfslim.report.bars import bar
from kfslim.report.sizes import counted, human_bytes, maybe_bytes
from kfslim.report.terminal import new_grid, new_table, print_parts
from kfslim.review.codes import CODES
from kfslim.review.model import Cost, Finding, Fix, Review

_FIXES: dict[Fix, str] = {
    "safe": "kfslim fix",
    "asked": "kfslim fix --only",
    "pin": "kfslim fix --pin",
    "none": "by hand",
}
_COMMAND = 60  # characters of a command in a table


def print_review(review: Review, stream: TextIO | None = None) -> None:
    """Print costs, findings, lines that were not read, and what else is to be known."""
    parts = (*_costs(review), *_findings(review), *_unread(review))
    notes = [Text(f"Note: {note}", style="dim") for note in review.notes]
    print_parts(stream, *parts, *notes, Text(_total(review), style="bold"))


def print_fixed(
    done: Sequence[Finding],
    left: Sequence[Finding],
    stream: TextIO | None = None,
    *,
    written: bool,
    changed: bool,
) -> None:
    """Print what was mended and what was left, with the reason."""
    parts: list[RenderableType] = []
    if done:
        table = new_table("Written" if written else "Would fix", "Line", "What")
        for one in done:
            table.add_row(one.code, _line(one.line, one.last_line), Text(one.message))
        parts.append(table)
    if left:
        table = new_table("Left", "Line", "What", "Why")
        for one in left:
            why = one.why_not or "it was not asked for"
            table.add_row(one.code, _line(one.line, one.last_line), Text(one.message), Text(why))
        parts.append(table)
    if not changed:
        parts.append(Text("Nothing to change", style="bold"))
    elif not written:
        parts.append(Text("Nothing was written: --write does", style="bold"))
    print_parts(stream, *parts)


def _costs(review: Review) -> Iterator[RenderableType]:
    """The base's layers are one row; instructions follow, the last one last."""
    if not review.costs:
        return
    table = new_table("Line", "Instruction", ">Content", ">Disk", "")
    base = [one for one in review.costs if one.base]
    rows = [one for one in review.costs if not one.base]
    if base:
        rows = [_together(base), *rows]
    for one in rows:
        table.add_row(
            _line(one.line, one.last_line),
            Text(_shortened(one.command)),
            human_bytes(one.content_bytes),
            human_bytes(one.disk_bytes),
            bar(one.disk_bytes, review.disk_bytes),
        )
    yield new_grid([("Image", review.image), ("Digest", review.image_digest)])
    yield table


def _together(base: Sequence[Cost]) -> Cost:
    return Cost(
        line=0,
        last_line=0,
        command=f"the base ({counted(sum(one.disk_bytes > 0 for one in base), 'layer')})",
        content_bytes=sum(one.content_bytes for one in base),
        disk_bytes=sum(one.disk_bytes for one in base),
        base=True,
    )


def _shortened(command: str) -> str:
    return command if len(command) <= _COMMAND else f"{command[: _COMMAND - 1]}…"


def _line(first: int, last: int) -> str:
    if not first:
        return "–"
    return f"{first}–{last}" if last > first else str(first)


def _findings(review: Review) -> Iterator[RenderableType]:
    if not review.findings:
        return
    table = new_table("Line", "Code", "What is wrong", ">Disk", "What to do", "Fixed")
    for one in review.findings:
        table.add_row(
            _line(one.line, one.last_line),
            Text(one.code, style="yellow"),
            Text(f"{CODES[one.code].meaning}: {one.message}"),
            maybe_bytes(one.disk_bytes),
            Text(one.advice),
            _FIXES[one.fix],
        )
    yield table


def _unread(review: Review) -> Iterator[RenderableType]:
    if review.unread:
        yield Text("Not read", style="bold")
        yield new_grid([(f"line {_line(o.line, o.last_line)}", o.why) for o in review.unread])


def _total(review: Review) -> str:
    if not review.findings:
        return "No findings"
    fixable = sum(one.fix == "safe" for one in review.findings)
    told = counted(len(review.findings), "finding")
    return f"{told}; kfslim fix mends {fixable}" if fixable else told
