"""A page of facts and tables: one value, shown as Markdown and as HTML."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PageTable:
    """A table; a head that begins with ``>`` is of a column of numbers."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Page:
    """What one task has to tell.  All is plain text; each rendering escapes it its own way."""

    title: str
    facts: tuple[tuple[str, str], ...] = ()
    tables: tuple[PageTable, ...] = ()
    notes: tuple[str, ...] = ()
