"""The frame of every page: head, style, body; nothing loaded, no script."""

from __future__ import annotations

from importlib.resources import files

from kfslim.report.html.markup import Html, Node, tag


def document(title: str, *body: Node) -> str:
    """Return a whole self-contained document."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Html(files(__package__).joinpath("page.css").read_text("utf-8"))),
    )
    return "<!doctype html>\n" + tag("html", head, tag("body", *body), lang="en") + "\n"
