"""A :class:`~kfslim.report.page.Page` as one self-contained page."""

from __future__ import annotations

from kfslim.report.html.document import document
from kfslim.report.html.markup import Html, Node, tag
from kfslim.report.page import Page, PageTable

_TILE = 24  # characters; what is longer (a reference) is a row, not a figure


def render_page(page: Page) -> str:
    """Return ``page`` as HTML; every word in it is escaped."""
    header = tag("header", tag("h1", page.title))
    main = tag("main", header, _facts(page), [_table(table) for table in page.tables], _notes(page))
    return document(page.title, main)


def _facts(page: Page) -> Node:
    tiles = [
        tag("li", tag("div", name, class_="name"), tag("div", value, class_="value"))
        for name, value in page.facts
        if len(value) <= _TILE
    ]
    rows = [
        tag("tr", tag("th", name, scope="row"), tag("td", tag("code", value)))
        for name, value in page.facts
        if len(value) > _TILE
    ]
    return tag(
        "section",
        tag("ul", tiles, class_="tiles") if tiles else None,
        tag("table", tag("tbody", rows)) if rows else None,
    )


def _table(table: PageTable) -> Html:
    kinds = ["number" if head.startswith(">") else None for head in table.heads]
    heads = [
        tag("th", head.removeprefix(">"), scope="col", class_=kind)
        for head, kind in zip(table.heads, kinds, strict=True)
    ]
    rows = [
        tag("tr", [tag("td", cell, class_=kind) for cell, kind in zip(row, kinds, strict=True)])
        for row in table.rows
    ]
    head = tag("thead", tag("tr", heads))
    body = tag("table", head, tag("tbody", rows), class_="plain")
    scroll = tag("div", body, class_="scroll", tabindex="0", role="region", aria_label=table.title)
    return tag("section", tag("h2", table.title), scroll)


def _notes(page: Page) -> Node:
    if not page.notes:
        return None
    return tag("section", tag("h2", "Notes"), tag("ul", [tag("li", note) for note in page.notes]))
