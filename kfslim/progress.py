"""How long work tells of itself, without knowing who listens.

Stages take a :class:`Progress` and open a task in it; what becomes of that (bars on a terminal,
nothing in a pipe) is decided in ``kfslim.report``.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Task(Protocol):
    """One piece of long work."""

    def advance(self, amount: int) -> None:
        """Add ``amount`` (in the task's unit) to what is done.  Safe to call from any thread."""

    def grow(self, amount: int) -> None:
        """Add ``amount`` to the expected total, for work that learns its size on the way."""


class Progress(Protocol):
    """Who is told about long work."""

    def task(
        self, title: str, total: int | None = None, unit: str = "bytes"
    ) -> AbstractContextManager[Task]:
        """Open a task of ``total`` ``unit`` (``bytes`` or a plural noun); None: not yet known."""

    def note(self, text: str) -> None:
        """Say one line that the user should see now (a warning, a step left alone)."""


class _SilentTask:
    def advance(self, amount: int) -> None:
        pass

    def grow(self, amount: int) -> None:
        pass


class Silent:
    """A progress that nobody watches."""

    def task(
        self, title: str, total: int | None = None, unit: str = "bytes"
    ) -> AbstractContextManager[Task]:
        """Return a task that goes nowhere."""
        return nullcontext(_SilentTask())

    def note(self, text: str) -> None:
        """Drop the line."""


SILENT = Silent()
