"""What all tables share: plain text in a pipe, numbers to the right, long lists summed up."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from io import TextIOWrapper
from typing import TextIO

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from kfslim.report.sizes import human_bytes
from kfslim.report.visible import visible

PIPE_WIDTH = 160  # columns in a pipe, where nobody's window ends the line
SHOWN = 15  # rows of a long list; the rest is summed up


def print_parts(stream: TextIO | None, *parts: RenderableType) -> None:
    """Print ``parts`` one below the other to ``stream`` (default: stdout)."""
    stream = stream or sys.stdout
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="replace")  # an ASCII terminal gets ? for an arrow, not an error
    width = None if stream.isatty() else PIPE_WIDTH
    console = Console(file=stream, width=width, highlight=False)
    console.print(_Visible(Group(*parts)))


class _Visible:
    """A renderable whose words have lost their control characters."""

    def __init__(self, inner: RenderableType) -> None:
        self._inner = inner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for text, style, control in console.render(self._inner, options):
            yield Segment(visible(text), style, control)


def new_table(*heads: str) -> Table:
    """Return an empty table; a head that begins with ``>`` is of a column of numbers."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for head in heads:
        if head.startswith(">"):
            table.add_column(head[1:], justify="right", no_wrap=True)
        else:
            table.add_column(head, overflow="fold")
    return table


def new_grid(rows: Iterable[tuple[str, ...]]) -> Table:
    """Return rows without a frame: names on the left, values on the right."""
    grid = Table.grid(padding=(0, 2))
    for row in rows:
        grid.add_row(*(Text(cell) for cell in row))
    return grid


def fill_table(table: Table, sized: list[tuple[str, int]]) -> None:
    """Add the ``SHOWN`` heaviest rows, and one for the rest."""
    ordered = sorted(sized, key=lambda item: (-item[1], item[0]))
    for name, size in ordered[:SHOWN]:
        table.add_row(Text(name), human_bytes(size))
    if rest := ordered[SHOWN:]:
        more = Text(f"{len(rest)} more", style="dim")
        table.add_row(more, human_bytes(sum(size for _, size in rest)))
    if not ordered:
        table.add_row(Text("none found", style="dim"), "")
