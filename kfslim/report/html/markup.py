"""HTML that is escaped by construction: plain strings are text, only :class:`Html` is markup."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TypeAlias

_VOID = frozenset({"br", "hr", "input", "meta"})


class Html(str):
    """Markup that may be put into a page as it is."""

    __slots__ = ()


Node: TypeAlias = "str | Html | Iterable[Node] | None"


def render(node: Node) -> Html:
    """Return ``node`` as markup: text escaped, None dropped, iterables joined."""
    if node is None:
        return Html()
    if isinstance(node, Html):
        return node
    if isinstance(node, str):
        return Html(escape(node))
    return Html("".join(render(child) for child in node))


def tag(name: str, /, *children: Node, **attributes: str | bool | None) -> Html:
    """Return an element.

    An attribute's name loses a trailing underscore (``class_``) and has ``_`` for ``-``; True
    writes the bare name; None and False leave it out.
    """
    written = "".join(
        _attribute(key.rstrip("_").replace("_", "-"), value)
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    opening = f"<{name}{written}>"
    return Html(opening if name in _VOID else f"{opening}{render(children)}</{name}>")


def _attribute(key: str, value: str | bool) -> str:
    return f" {key}" if value is True else f' {key}="{escape(str(value))}"'
