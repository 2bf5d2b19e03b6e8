"""One walk through Python source that notes what is there, in order, and resolves nothing yet.

The walk keeps its own stack, so deep source cannot exhaust Python's.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from kfslim.steps.embedded import ARCHIVE_NAME, read_archive
from kfslim.steps.literals import Literals
from kfslim.steps.sightings import BROKEN, LOCAL, Doubt, Import, ImportKind, SourceText

_IMPORT_ERRORS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
_ARTIFACTS = {"Input", "Output", "InputPath", "OutputPath", "Path", "PathLike"}
_NO_CHILDREN = {"ctx", "op", "ops", "kind", "type_comment", "type_ignores", "type_params"}


class Guard(NamedTuple):
    """What surrounds a piece of source, see :class:`kfslim.steps.sightings.Import`."""

    kind: ImportKind = "plain"
    instead_of: tuple[str, ...] = ()


class Chain(NamedTuple):
    """A dotted name as it stands: ``root`` is "" where it begins with no plain name.

    ``call`` is the call whose function it is.
    """

    root: str
    parts: tuple[str, ...]
    file: str
    line: int
    call: ast.Call | None = None


_Step = tuple[ast.AST, Guard]


class Walk:
    """What was noted of all sources that were read; ``problem`` is about the first broken one."""

    def __init__(self) -> None:
        self.literals = Literals()
        self.imports: list[Import] = []
        self.aliases: dict[str, list[str]] = {}  # local name -> dotted names it may stand for
        self.stars: list[str] = []
        self.chains: list[Chain] = []
        self.strings: list[tuple[ast.expr, str, int]] = []
        self.words: set[str] = set()
        self.local: set[str] = set()
        self.doubts: list[Doubt] = []
        self.problem: tuple[str, int, str] | None = None
        self._said_only: set[ast.Constant] = set()
        self._file = ""
        self._offset = 0

    def read(self, source: SourceText) -> None:
        """Walk through ``source``; what cannot be parsed becomes a doubt and a problem."""
        try:
            tree = ast.parse(source.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            self._broken(source, error)
            return
        outside = self._file, self._offset
        self._file, self._offset = source.file, source.first_line - 1
        stack: list[_Step] = [(tree, Guard())]
        while stack:
            node, guard = stack.pop()
            handle = _HANDLERS.get(type(node))
            if handle is None:
                stack.extend([(child, guard) for child in _children(node)])
            else:
                stack.extend(handle(self, node, guard)[::-1])
        self._file, self._offset = outside

    def _broken(self, source: SourceText, error: Exception) -> None:
        line = (getattr(error, "lineno", None) or 1) + source.first_line - 1
        self.doubts.append(Doubt(BROKEN, source.file, line))
        if self.problem is None:
            what = error.msg if isinstance(error, SyntaxError) else str(error)
            text = f"cannot be parsed: {what or type(error).__name__}"
            self.problem = (source.file, line, text)

    def _line(self, node: ast.AST) -> int:
        return getattr(node, "lineno", 1) + self._offset

    # imports

    def _import(self, module: str, node: ast.stmt, guard: Guard) -> None:
        self.imports.append(Import(module, self._file, self._line(node), *guard))

    def _alias(self, name: str, target: str) -> None:
        targets = self.aliases.setdefault(name, [])
        if target not in targets:
            targets.append(target)

    def _on_import(self, node: ast.Import, guard: Guard) -> list[_Step]:
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            self._alias(name, alias.name if alias.asname else name)
            self._import(alias.name, node, guard)
        return []

    def _on_import_from(self, node: ast.ImportFrom, guard: Guard) -> list[_Step]:
        if node.level or node.module is None:
            return []
        self._import(node.module, node, guard)
        for alias in node.names:
            if alias.name == "*":
                self.stars.append(node.module)
                continue
            whole = f"{node.module}.{alias.name}"
            self._alias(alias.asname or alias.name, whole)
            self._import(whole, node, guard)
        return []

    # what guards imports

    def _on_try(self, node: ast.Try, guard: Guard) -> list[_Step]:
        guards = any(_catches_import_error(handler.type) for handler in node.handlers)
        missing = tuple(_imported(node.body)) if guards else ()
        fallback = guard._replace(instead_of=guard.instead_of + missing)
        body = _optional(guard) if guards else guard
        return [
            *((child, body) for child in node.body),
            *((handler, fallback) for handler in node.handlers),
            *((child, guard) for child in (*node.orelse, *node.finalbody)),
        ]

    def _on_with(self, node: ast.With, guard: Guard) -> list[_Step]:
        steps: list[_Step] = [(item.context_expr, guard) for item in node.items]
        for item in node.items:
            if isinstance(item.optional_vars, ast.Name):
                self.literals.bind(item.optional_vars.id, item.context_expr)
            elif item.optional_vars is not None:
                steps.append((item.optional_vars, guard))
        suppresses = any(_suppresses(item.context_expr) for item in node.items)
        inner = _optional(guard) if suppresses else guard
        return steps + [(child, inner) for child in node.body]

    def _on_if(self, node: ast.If, guard: Guard) -> list[_Step]:
        test, body, other = node.test, guard, guard
        typing = guard._replace(kind="typing")
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            other = typing if _is_type_checking(test.operand) else guard
        elif _is_type_checking(test):
            body = typing
        steps: list[_Step] = [(test, guard)]
        steps += [(child, body) for child in node.body]
        return steps + [(child, other) for child in node.orelse]

    # what names are bound to

    def _on_name(self, node: ast.Name, guard: Guard) -> list[_Step]:
        if not isinstance(node.ctx, ast.Load):
            self.literals.bind(node.id, None)
        else:
            self.chains.append(Chain(node.id, (), self._file, self._line(node)))
        return []

    def _on_argument(self, node: ast.arg, guard: Guard) -> list[_Step]:
        local = node.annotation is not None and _is_artifact(node.annotation)
        self.literals.bind(node.arg, ast.Constant(LOCAL) if local else None)
        return self._annotation(node.annotation, guard)

    def _annotation(self, node: ast.expr | None, guard: Guard) -> list[_Step]:
        """Strings in annotations are never evaluated: they name nothing that is needed."""
        for inner in ast.walk(node) if node is not None else ():
            if isinstance(inner, ast.Constant):
                self._said_only.add(inner)
        return [(node, guard)] if node is not None else []

    def _on_function(self, node: ast.FunctionDef, guard: Guard) -> list[_Step]:
        self._annotation(node.returns, guard)
        return self._on_named(node, guard)

    def _on_assign(self, node: ast.Assign, guard: Guard) -> list[_Step]:
        steps: list[_Step] = []
        for target in node.targets:
            if not isinstance(target, ast.Name):
                steps.append((target, guard))
            elif target.id == ARCHIVE_NAME and isinstance(node.value, ast.Constant):
                self._archive(str(node.value.value), self._line(node))
                return []
            else:
                self.literals.bind(target.id, node.value)
        return [*steps, (node.value, guard)]

    def _on_typed(self, node: ast.AnnAssign | ast.NamedExpr, guard: Guard) -> list[_Step]:
        annotation = getattr(node, "annotation", None)
        self._annotation(annotation, guard)
        parts: list[ast.expr | None] = [annotation, node.value]
        if not isinstance(node.target, ast.Name):
            parts.append(node.target)
        elif node.value is not None:
            self.literals.bind(node.target.id, node.value)
        return [(part, guard) for part in parts if part is not None]

    def _on_for(self, node: ast.For, guard: Guard) -> list[_Step]:
        self.literals.bind_each(node.target, node.iter)
        return [(part, guard) for part in (node.iter, *node.body, *node.orelse)]

    def _on_comprehension(self, node: ast.comprehension, guard: Guard) -> list[_Step]:
        self.literals.bind_each(node.target, node.iter)
        return [(part, guard) for part in (node.iter, *node.ifs)]

    def _on_named(self, node: ast.AST, guard: Guard) -> list[_Step]:
        name = getattr(node, "name", None) or getattr(node, "rest", None)
        if name:
            self.literals.bind(name, None)
        return [(child, guard) for child in _children(node)[::-1]]

    def _archive(self, encoded: str, line: int) -> None:
        archive = read_archive(encoded)
        self.local |= archive.modules
        if archive.problem:
            text = f"brings an archive that {archive.problem}"
            self.doubts.append(Doubt(text, self._file, line))
        for text in archive.sources:
            self.read(SourceText(self._file, text))

    # uses

    def _on_call(self, node: ast.Call, guard: Guard) -> list[_Step]:
        steps: list[_Step] = [(part, guard) for part in (*node.args, *node.keywords)]
        root, parts, base = dotted(node.func)
        self.words.update(parts)
        if root or parts:
            self.chains.append(Chain(root, parts, self._file, self._line(node), node))
        return [(base, guard), *steps] if base is not None else steps

    def _on_attribute(self, node: ast.Attribute, guard: Guard) -> list[_Step]:
        root, parts, base = dotted(node)
        self.words.update(parts)
        if isinstance(node.ctx, ast.Load) or root in self.aliases:
            self.chains.append(Chain(root, parts, self._file, self._line(node)))
        return [(base, guard)] if base is not None else []

    def _on_expression(self, node: ast.Expr, guard: Guard) -> list[_Step]:
        return [] if isinstance(node.value, ast.Constant) else [(node.value, guard)]

    def _on_constant(self, node: ast.Constant, guard: Guard) -> list[_Step]:
        if isinstance(node.value, str) and node not in self._said_only:
            self.strings.append((node, self._file, self._line(node)))
        return []

    def _on_joined(self, node: ast.JoinedStr, guard: Guard) -> list[_Step]:
        self.strings.append((node, self._file, self._line(node)))
        inner = [part for part in node.values if isinstance(part, ast.FormattedValue)]
        return [(part.value, guard) for part in inner]


def dotted(node: ast.expr) -> tuple[str, tuple[str, ...], ast.expr | None]:
    """Take ``node`` apart: root name, names behind it, and what is left to be read.

    ``a.b().c.d`` has the root "", the parts c and d, and ``a.b()`` is left.
    """
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        return node.id, tuple(reversed(parts)), None
    return "", tuple(reversed(parts)), node


_fields: dict[type, tuple[str, ...]] = {}


def _children(node: ast.AST) -> list[ast.AST]:
    """Return the children of ``node``, last first."""
    names = _fields.get(type(node))
    if names is None:
        names = tuple(name for name in node._fields[::-1] if name not in _NO_CHILDREN)
        _fields[type(node)] = names
    found: list[ast.AST] = []
    for name in names:
        value = getattr(node, name, None)
        if isinstance(value, list):
            found += [part for part in reversed(value) if isinstance(part, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


def _optional(guard: Guard) -> Guard:
    return guard._replace(kind="optional") if guard.kind == "plain" else guard


def _catches_import_error(caught: ast.expr | None) -> bool:
    return caught is None or not _IMPORT_ERRORS.isdisjoint(_last_names(caught))


def _last_names(node: ast.expr) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.Attribute):
            yield inner.attr


def _suppresses(node: ast.expr) -> bool:
    if not isinstance(node, ast.Call):
        return False
    root, parts, _ = dotted(node.func)
    return "suppress" in (root, *parts) and any(map(_catches_import_error, node.args))


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return bool(name == "TYPE_CHECKING")


def _is_artifact(annotation: ast.expr) -> bool:
    """KFP hands artifacts over as files; so does everybody who asks for a ``Path``."""
    return not _ARTIFACTS.isdisjoint(_last_names(annotation))


def _imported(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


_HANDLERS: dict[type, Callable[[Walk, Any, Guard], list[_Step]]] = {
    ast.Import: Walk._on_import,
    ast.ImportFrom: Walk._on_import_from,
    ast.Try: Walk._on_try,
    ast.With: Walk._on_with,
    ast.AsyncWith: Walk._on_with,
    ast.If: Walk._on_if,
    ast.Name: Walk._on_name,
    ast.arg: Walk._on_argument,
    ast.Assign: Walk._on_assign,
    ast.AnnAssign: Walk._on_typed,
    ast.NamedExpr: Walk._on_typed,
    ast.For: Walk._on_for,
    ast.AsyncFor: Walk._on_for,
    ast.comprehension: Walk._on_comprehension,
    ast.FunctionDef: Walk._on_function,
    ast.AsyncFunctionDef: Walk._on_function,
    ast.ClassDef: Walk._on_named,
    ast.ExceptHandler: Walk._on_named,
    ast.MatchAs: Walk._on_named,
    ast.MatchStar: Walk._on_named,
    ast.MatchMapping: Walk._on_named,
    ast.Call: Walk._on_call,
    ast.Attribute: Walk._on_attribute,
    ast.Expr: Walk._on_expression,
    ast.Constant: Walk._on_constant,
    ast.JoinedStr: Walk._on_joined,
}
if hasattr(ast, "TryStar"):  # from 3.11 on
    _HANDLERS[ast.TryStar] = Walk._on_try
