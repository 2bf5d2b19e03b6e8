"""A measured build context on the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TextIO

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from kfslim.context.model import ContextMeasure, Leak, Sent, Sized, Waste
from kfslim.report.bars import bar
from kfslim.report.sizes import change, counted, human_bytes
from kfslim.report.terminal import SHOWN, new_grid, new_table, print_parts


def print_context(measured: ContextMeasure, stream: TextIO | None = None) -> None:
    """Print what is sent, the largest of it, what no image needs, and secrets last."""
    total = measured.sent.file_bytes
    print_parts(
        stream,
        _head(measured),
        *_largest("Largest folders", measured.largest_folders, total),
        *_largest("Largest files", measured.largest_files, total),
        *_waste(measured.waste, total),
        *_leaks(measured.leaks),
    )


def print_gain(before: Sent, after: Sent, stream: TextIO | None = None) -> None:
    """Print what an ignore file spares, in one line."""
    ratio = change(before.stream_bytes, after.stream_bytes)
    told = f"{human_bytes(before.stream_bytes)} → {human_bytes(after.stream_bytes)} ({ratio})"
    files = f"{before.files:,} → {counted(after.files, 'file')}"
    print_parts(stream, Text(f"Build context {told}, {files}", style="bold"))


def _head(measured: ContextMeasure) -> Table:
    ignore = measured.ignore_file
    rows = [
        ("Context", measured.folder),
        ("Dockerfile", measured.dockerfile or "none"),
        ("Ignore file", ignore or "none"),
        ("Sent" if measured.dialect == "classic" else "Sent at most", _sent(measured.sent)),
        ("Of it", _parts(measured.sent)),
    ]
    if ignore:
        ratio = change(measured.without.stream_bytes, measured.sent.stream_bytes)
        rows.append((f"Without {ignore}", f"{_sent(measured.without)}  ({ratio} with it)"))
    return new_grid(rows)


def _sent(sent: Sent) -> str:
    files = counted(sent.files, "file")
    return f"{files}, {human_bytes(sent.file_bytes)}; as tar {human_bytes(sent.stream_bytes)}"


def _parts(sent: Sent) -> str:
    modes = ", ".join(f"{count:,} of {mode}" for mode, count in sent.modes.items())
    told = [counted(sent.folders, "folder"), counted(sent.symlinks, "symlink")]
    told += [counted(sent.others, "pipe or device")] if sent.others else []
    return ", ".join(told) + (f"; modes: {modes}" if modes else "")


def _largest(head: str, sized: Sequence[Sized], total: int) -> Iterator[RenderableType]:
    if sized:
        table = new_table(head, ">Bytes", "")
        for one in sized:
            size, share = human_bytes(one.file_bytes), bar(one.file_bytes, total)
            table.add_row(Text(one.path), size, share)
        yield table


def _waste(waste: Sequence[Waste], total: int) -> Iterator[RenderableType]:
    if not waste:
        return
    table = new_table("No image needs", "Code", ">Files", ">Bytes", "", "Kept out by")
    for one in waste[:SHOWN]:
        size, share = human_bytes(one.file_bytes), bar(one.file_bytes, total)
        kind, pattern = Text(one.kind), Text(one.pattern)
        table.add_row(kind, one.code, f"{one.files:,}", size, share, pattern)
    if rest := waste[SHOWN:]:
        files, left = sum(one.files for one in rest), sum(one.file_bytes for one in rest)
        more = Text(f"{len(rest)} more", style="dim")
        table.add_row(more, "", f"{files:,}", human_bytes(left), bar(left, total), "")
    yield table


def _leaks(leaks: Sequence[Leak]) -> Iterator[RenderableType]:
    if not leaks:
        return
    table = new_table("Secret", "Code", "What", "Kept out by")
    for leak in leaks:
        what = f"{leak.kind}: {leak.why}"
        out = Text(leak.pattern) if leak.pattern else Text("taking it out of the file", "dim")
        table.add_row(Text(leak.path, style="bold red"), leak.code, what, out)
    yield table
