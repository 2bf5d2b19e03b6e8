"""What an expression is worth when nothing is run: constants, and strings known in part."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from kfslim.steps.nodes import within
from kfslim.steps.sightings import HOLE, LOCAL, Value

_PERCENT = re.compile(r"%(?:\([^)]*\))?[-#0 +]*\d*(?:\.\d+)?[a-zA-Z]")
# Calls whose value is their arguments, joined as a path.
_PATHS = re.compile(
    r"(.*\.)?(ExcelWriter|ExcelFile|Path|PurePath|PosixPath|PurePosixPath|join|joinpath|str|fspath|make_url)"
)
_SAME = {"strip", "format", "absolute", "resolve", "expanduser", "as_posix", "as_uri"}
# Calls that give the content of a path, or the path itself in another form.
_WRAPS = {"open", "str", "Path", "PurePath", "fspath"}
# Calls that give a file of this machine, or something else that is no URL: a connection.
_FILES = {
    "connect",
    "BytesIO", "StringIO", "TemporaryDirectory", "mkdtemp", "mkstemp", "gettempdir", "cwd",
    "getcwd", "NamedTemporaryFile", "TemporaryFile", "open",
}  # fmt: skip
_OBJECTS = {"ExcelWriter", "ExcelFile"}  # what has its path already
_OF_DICTS = {"", "keys", "values"}
_PLAIN = (str, int, float, type(None))  # and bool, which is an int
_MAX_DEPTH = 12  # of names that stand for names: more is no plausible source
_MOST_VALUES = 8  # of one name, that are compared
_MAX_TEXT = 4096  # characters that are joined at most


class Literals:
    """The values that names are bound to in one source, wherever that is.

    A name that is bound to something else, too, is known only as far as :meth:`choices` goes.
    """

    def __init__(self) -> None:
        self._bound: dict[str, list[ast.expr | None]] = defaultdict(list)
        # What names turned out to be: each is looked into once, also where they stand for each
        # other in circles.
        self._values: dict[str, Value] = {}
        self._choices: dict[str, set[str] | None] = {}
        self._origins: dict[str, set[str]] = {}

    def bind(self, name: str, value: ast.expr | None) -> None:
        """Note that ``name`` gets ``value``; ``None`` for what cannot be told."""
        self._bound[name].append(value)

    def bind_each(self, target: ast.expr, collection: ast.expr) -> None:
        """Note what a loop over ``collection`` binds."""
        for node, values in self._columns(target, collection):
            if isinstance(node, ast.Name):
                self._bound[node.id] += values or [None]
                continue
            for inner in within(node):
                if isinstance(inner, ast.Name):
                    self._bound[inner.id].append(None)

    def is_bound(self, name: str) -> bool:
        """Tell whether ``name`` is assigned, defined or a parameter anywhere."""
        return name in self._bound

    def origins(self, node: ast.expr | None, depth: int = 0) -> set[str]:
        """Return what the file or bytes ``node`` come from, comparable; empty where it is open.

        ``open(path)``, and a name that stands for it, come from ``path``.
        """
        if isinstance(node, ast.Name):
            if node.id not in self._origins:
                self._origins[node.id] = set()
                self._origins[node.id] = self._origins_of(node.id, depth)
            return self._origins[node.id]
        if isinstance(node, ast.Call) and depth <= _MAX_DEPTH:
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name == "dumps":
                return {"dumps()"}
            if name in _WRAPS:
                return self.origins(_wrapped(node), depth + 1)
        return {_comparable(node)} if node is not None else set()

    def _origins_of(self, name: str, depth: int) -> set[str]:
        bound = self._bound.get(name, [])
        if bound in ([], [None]):
            return {name}
        found = [self.origins(value, depth + 1) for value in bound]
        return set().union(*found) if all(found) else set()

    def value(self, node: ast.expr | None, depth: int = 0) -> Value:
        """Return a constant, a string with ``{}`` where it is unknown, or ``{}``."""
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, _PLAIN) else HOLE
        read = _READERS.get(type(node))
        if read is None or depth > _MAX_DEPTH:
            return HOLE
        found = read(self, node, depth + 1)
        return found[:_MAX_TEXT] if isinstance(found, str) else found

    def choices(self, node: ast.expr | None, depth: int = 0) -> set[str] | None:
        """Return all strings that ``node`` may be; None where there may be others."""
        if isinstance(node, ast.Name):
            if node.id not in self._choices:
                self._choices[node.id] = None
                self._choices[node.id] = self._union(self._bound.get(node.id, [None]), depth)
            return self._choices[node.id]
        if depth > _MAX_DEPTH:
            return None
        if isinstance(node, ast.IfExp):
            return self._union([node.body, node.orelse], depth)
        if isinstance(node, ast.Subscript):
            return self._union(self.elements(node.value) or [None], depth)
        value = self.value(node, depth)
        return {value} if isinstance(value, str) and value != HOLE else None

    def _union(self, nodes: list[ast.expr | None], depth: int) -> set[str] | None:
        found: set[str] = set()
        for node in nodes:
            some = self.choices(node, depth + 1) if node is not None else None
            if some is None:
                return None
            found |= some
        return found

    def elements(self, node: ast.expr | None, depth: int = 0) -> list[ast.expr | None] | None:
        """Return what a list, tuple, set or the values of a dict hold; None if that is open."""
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            return list(node.elts)
        if isinstance(node, ast.Dict):
            return list(node.values)
        if isinstance(node, ast.Name) and depth <= _MAX_DEPTH:
            bound = self._bound.get(node.id, [])
            return self.elements(bound[0], depth + 1) if len(bound) == 1 else None
        return None

    def _dict(self, node: ast.expr) -> ast.Dict | None:
        if isinstance(node, ast.Name) and len(bound := self._bound.get(node.id, [])) == 1:
            return bound[0] if isinstance(bound[0], ast.Dict) else None
        return node if isinstance(node, ast.Dict) else None

    def _columns(
        self, target: ast.expr, collection: ast.expr
    ) -> Iterator[tuple[ast.expr, list[ast.expr | None] | None]]:
        method = ""
        if isinstance(collection, ast.Call) and isinstance(collection.func, ast.Attribute):
            method, collection = collection.func.attr, collection.func.value
        whole = self._dict(collection)
        if whole is None:
            yield from self._targets(target, None if method else self.elements(collection))
        elif method == "items" and isinstance(target, ast.Tuple) and len(target.elts) == 2:
            yield target.elts[0], list(whole.keys)
            yield target.elts[1], list(whole.values)
        else:
            values: list[ast.expr | None] = list(whole.keys)
            if method == "values":
                values = list(whole.values)
            yield from self._targets(target, values if method in _OF_DICTS else None)

    def _targets(
        self, target: ast.expr, values: list[ast.expr | None] | None
    ) -> Iterator[tuple[ast.expr, list[ast.expr | None] | None]]:
        if not isinstance(target, ast.Tuple | ast.List):
            yield target, values
            return
        for place, part in enumerate(target.elts):
            yield part, [_item(value, place) for value in values] if values else None

    # values, by kind of node

    def _name(self, node: ast.Name, depth: int) -> Value:
        if node.id not in self._values:
            self._values[node.id] = HOLE
            bound = self._bound.get(node.id, [None])
            values = {self.value(one, depth) for one in bound[:_MOST_VALUES]}
            same = len(values) == 1 and len(bound) <= _MOST_VALUES
            self._values[node.id] = values.pop() if same else HOLE
        return self._values[node.id]

    def _list(self, node: ast.List | ast.Tuple, depth: int) -> Value:
        values = [self.value(part, depth) for part in node.elts]
        return ",".join(map(str, values)) if values and HOLE not in values else HOLE

    def _joined(self, node: ast.JoinedStr, depth: int) -> Value:
        return "".join(self._text(part, depth) for part in node.values)

    def _formatted(self, node: ast.FormattedValue, depth: int) -> Value:
        return self.value(node.value, depth)

    def _binary(self, node: ast.BinOp, depth: int) -> Value:
        if isinstance(node.op, ast.Add):
            return self._text(node.left, depth) + self._text(node.right, depth)
        if isinstance(node.op, ast.Div):
            return f"{self._text(node.left, depth)}/{self._text(node.right, depth)}"
        if isinstance(node.op, ast.Mod):
            return _PERCENT.sub(HOLE, self._text(node.left, depth))
        return HOLE

    def _call(self, node: ast.Call, depth: int) -> Value:
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        base = node.func.value if isinstance(node.func, ast.Attribute) else None
        suffix = next((word.value for word in node.keywords if word.arg == "suffix"), None)
        if suffix is None and name == "with_suffix" and node.args:
            suffix = node.args[0]
        if suffix is not None:  # tempfile.NamedTemporaryFile(suffix=".csv")
            return LOCAL + self._text(suffix, depth)
        if name in _OBJECTS:
            return f"{name}()"
        if name in _SAME and base is not None:
            return self.value(base, depth)
        found = self._path(name, base, node.args, depth) if node.args else HOLE
        return LOCAL if found.startswith(HOLE) and name in _FILES else found

    def _path(self, name: str, base: ast.expr | None, args: list[ast.expr], depth: int) -> str:
        """Return the path or URL that a call makes of its arguments."""
        if name == "create" and getattr(base, "attr", getattr(base, "id", "")) == "URL":
            return f"{self._text(args[0], depth)}:"
        if name == "open":
            return self._text(args[0], depth)
        if not _PATHS.fullmatch(name):
            return HOLE
        parts = [base, *args] if name == "joinpath" else args
        whole = "/".join(self._text(part, depth) for part in parts)
        return f"/{whole}" if whole.startswith(HOLE) and "Path" in name else whole

    def _attribute(self, node: ast.Attribute, depth: int) -> Value:
        return self.value(node.value, depth) if node.attr in ("name", "path") else HOLE

    def _negative(self, node: ast.UnaryOp, depth: int) -> Value:
        value = self.value(node.operand, depth)
        minus = isinstance(node.op, ast.USub) and isinstance(value, int | float)
        return -value if minus and isinstance(value, int | float) else HOLE

    def _text(self, node: ast.expr | None, depth: int) -> str:
        value = self.value(node, depth)
        return HOLE if value is None else str(value)


def _wrapped(node: ast.Call) -> ast.expr | None:
    """Return the path in ``open(path)``, ``gzip.open(path)``, ``path.open("rb")``."""
    first = node.args[0] if node.args else None
    mode = isinstance(first, ast.Constant) and len(str(first.value)) <= 3
    if isinstance(node.func, ast.Attribute) and (first is None or mode):
        return node.func.value
    return first


def _comparable(node: ast.expr) -> str:
    try:
        return ast.dump(node)
    except RecursionError:
        return f"{node.lineno}:{node.col_offset}"


def _item(value: ast.expr | None, place: int) -> ast.expr | None:
    inside = value.elts if isinstance(value, ast.Tuple | ast.List) else []
    return inside[place] if place < len(inside) else None


_READERS: dict[type, Callable[[Literals, Any, int], Value]] = {
    ast.Name: Literals._name,
    ast.JoinedStr: Literals._joined,
    ast.FormattedValue: Literals._formatted,
    ast.BinOp: Literals._binary,
    ast.Call: Literals._call,
    ast.Attribute: Literals._attribute,
    ast.UnaryOp: Literals._negative,
    ast.List: Literals._list,
    ast.Tuple: Literals._list,
}
