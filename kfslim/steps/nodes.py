"""The nodes of a syntax tree, without those that hold nothing: contexts, operators."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

# Fields that hold no node with a name or a value in it, in any kind of node.
_EMPTY = {
    "arg", "attr", "conversion", "ctx", "kind", "op", "ops", "type_comment", "type_ignores",
    "type_params",
}  # fmt: skip
_fields: dict[type, tuple[str, ...]] = {}


def children(node: Any) -> list[Any]:
    """Return what the fields of ``node`` hold, in order; some of it may be no node.

    What is no node, a string or None, has no children.
    """
    fields = _fields.get(type(node))
    if fields is None:
        fields = _fields[type(node)] = _fields_of(node)
    found: list[Any] = []
    for name in fields:
        value = getattr(node, name, None)
        if isinstance(value, list):
            found += value
        elif value is not None:
            found.append(value)
    return found


def _fields_of(node: Any) -> tuple[str, ...]:
    fields = node._fields if isinstance(node, ast.AST) else ()
    return tuple(name for name in fields if name not in _EMPTY)


def within(node: ast.expr) -> Iterator[Any]:
    """Yield ``node`` and all that is below it, in no order."""
    stack = [node]
    while stack:
        one = stack.pop()
        yield one
        stack += children(one)


def dotted(node: ast.expr) -> tuple[str, tuple[str, ...], ast.expr | None]:
    """Take ``node`` apart: root name, names behind it, and what is left to be read.

    ``a.b().c.d`` has the root "", the parts c and d, and ``a.b()`` is left.
    """
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        return node.id, tuple(parts[::-1]), None
    return "", tuple(parts[::-1]), node
