"""A :class:`~kfslim.report.page.Page` as the Markdown that the Kubeflow UI shows.

The UI renders no raw HTML and at most 400,000 characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kfslim.report.page import Page, PageTable

LIMIT = 400_000  # characters, of the UI's viewer
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")
_CUT = "\n\n*Shortened: the page is longer than the viewer shows.*\n"


def render_markdown(page: Page) -> str:
    """Return ``page`` as Markdown; every word in it is escaped."""
    text = "\n\n".join(_blocks(page)) + "\n"
    return text if len(text) <= LIMIT else text[: LIMIT - len(_CUT)].rpartition("\n")[0] + _CUT


def _blocks(page: Page) -> Iterator[str]:
    yield f"# {escape(page.title)}"
    if page.facts:
        yield "\n".join(f"- **{escape(name)}**: {escape(value)}" for name, value in page.facts)
    for table in page.tables:
        yield f"## {escape(table.title)}"
        yield _table(table)
    if page.notes:
        yield "\n".join(f"- {escape(note)}" for note in page.notes)


def _table(table: PageTable) -> str:
    heads = [head.removeprefix(">") for head in table.heads]
    rules = ["--:" if head.startswith(">") else ":--" for head in table.heads]
    rows = [[escape(cell) for cell in row] for row in table.rows]
    return "\n".join(map(_line, ([escape(head) for head in heads], rules, *rows)))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def escape(text: str) -> str:
    """Return ``text`` in one line, with nothing in it that Markdown would take for its own."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
