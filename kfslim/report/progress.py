"""Live bars on a terminal; in a pipe only the lines that the user must see.

rich is imported when the first bar is drawn, so that quick commands do not pay for it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, TextIO

from kfslim.progress import SILENT, Task
from kfslim.report.visible import visible

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


class Bars:
    """A :class:`kfslim.progress.Progress` that writes to ``stream`` (default: stderr).

    Bars are shown while at least one task is open and leave no trace.  Safe to use from any thread.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._live = _is_terminal(self._stream)
        self._lock = Lock()
        self._open = 0
        self._rich: RichProgress | None = None

    def task(
        self, title: str, total: int | None = None, unit: str = "bytes"
    ) -> AbstractContextManager[Task]:
        """Open a task; see :meth:`kfslim.progress.Progress.task`."""
        return self._bar(title, total, unit) if self._live else SILENT.task(title, total, unit)

    @contextmanager
    def _bar(self, title: str, total: int | None, unit: str) -> Iterator[Task]:
        with self._lock:
            rich = self._rich = self._rich or _new_rich(self._stream)
            if self._open == 0:
                rich.start()
            self._open += 1
            task = rich.add_task(_plain(title), total=total, unit=unit)
        try:
            yield _Bar(rich, task, total or 0)
        finally:
            with self._lock:
                rich.remove_task(task)
                self._open -= 1
                if self._open == 0:
                    rich.stop()

    def note(self, text: str) -> None:
        """Write one line, above the bars if any are shown."""
        with self._lock:
            if self._rich and self._open:
                self._rich.console.print(_plain(text), highlight=False, soft_wrap=True)
            else:
                self._stream.write(visible(text) + "\n")
                self._stream.flush()


class _Bar:
    """One open bar."""

    def __init__(self, rich: RichProgress, task: TaskID, total: int) -> None:
        self._rich, self._task, self._total = rich, task, total
        self._lock = Lock()

    def advance(self, amount: int) -> None:
        self._rich.advance(self._task, amount)

    def grow(self, amount: int) -> None:
        with self._lock:
            self._total += amount
            self._rich.update(self._task, total=self._total)


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM", "") != "dumb"


def _plain(text: str) -> str:
    """Protect square brackets, which rich would read as markup: ``feast[redis]``; no controls."""
    from rich.markup import escape

    return escape(visible(text))


def _new_rich(stream: TextIO) -> RichProgress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn
    from rich.text import Text

    from kfslim.report.sizes import human_bytes

    class Done(ProgressColumn):
        def render(self, task: Any) -> Text:
            return Text(_amounts(task.completed, task.total, task.fields["unit"], human_bytes))

    class Rate(ProgressColumn):
        def render(self, task: Any) -> Text:
            show = task.fields["unit"] == "bytes" and task.speed
            return Text(f"{human_bytes(task.speed)}/s" if show else "", style="dim")

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=28),
        Done(),
        Rate(),
        console=Console(file=stream),
        transient=True,
    )


def _amounts(done: float, total: float | None, unit: str, in_bytes: Any) -> str:
    """Return ``12.3 / 55.0 MB`` as text, or ``3 / 6 steps`` for a counted unit."""
    if unit == "bytes":
        return f"{in_bytes(done)} / {in_bytes(total)}" if total else f"{in_bytes(done)}"
    return f"{done:.0f} / {total:.0f} {unit}" if total else f"{done:.0f} {unit}"
