"""One walk through Python source that notes what is there, in order, and resolves nothing yet.

The walk keeps its own stack, so deep source cannot exhaust Python's.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from kfslim.steps.embedded import ARCHIVE_NAME, read_archive
from kfslim.steps.literals import Literals
from kfslim.steps.nodes import children, dotted, within
from kfslim.steps.sightings import BROKEN, LOCAL, Doubt, Import, ImportKind, SourceText

_IMPORT_ERRORS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
_ARTIFACTS = {"Input", "Output", "InputPath", "OutputPath", "Path", "PathLike"}


class Guard(NamedTuple):
    """What surrounds a piece of source, see :class:`kfslim.steps.sightings.Import`.

    ``annotates`` is True in annotations.
    """

    kind: ImportKind = "plain"
    instead_of: tuple[str, ...] = ()
    annotates: bool = False


class Chain(NamedTuple):
    """A dotted name as it stands: ``root`` is "" where it begins with no plain name.

    ``call`` is the call whose function it is.
    """

    root: str
    parts: tuple[str, ...]
    file: str
    line: int
    call: ast.Call | None = None


# What is read next, in order: nodes, and the guard of all that follows it.  Fields that hold a
# node or something else may stand here, too: what is no node has no children.
_Steps = Sequence[Any]


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
        self._guard = Guard()
        self._file = ""
        self._offset = 0

    def read(self, source: SourceText) -> None:
        """Walk through ``source``; what cannot be parsed becomes a doubt and a problem."""
        try:
            tree = ast.parse(source.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            self._broken(source, error)
            return
        outside = self._file, self._offset, self._guard
        self._file, self._offset, self._guard = source.file, source.first_line - 1, Guard()
        stack: list[Any] = [tree]
        handler_of = _HANDLERS.get
        while stack:
            node = stack.pop()
            stack += handler_of(type(node), _descend)(self, node)[::-1]
        self._file, self._offset, self._guard = outside

    def _broken(self, source: SourceText, error: Exception) -> None:
        line = (getattr(error, "lineno", None) or 1) + source.first_line - 1
        self.doubts.append(Doubt(BROKEN, source.file, line))
        if self.problem is None:
            what = error.msg if isinstance(error, SyntaxError) else str(error)
            text = f"cannot be parsed: {what or type(error).__name__}"
            self.problem = (source.file, line, text)

    def _line(self, node: ast.stmt | ast.expr) -> int:
        return node.lineno + self._offset

    def _on_guard(self, guard: Guard) -> _Steps:
        self._guard = guard
        return ()

    # imports

    def _import(self, module: str, node: ast.stmt) -> None:
        kind, instead_of, _ = self._guard
        self.imports.append(Import(module, self._file, self._line(node), kind, instead_of))

    def _alias(self, name: str, target: str) -> None:
        targets = self.aliases.setdefault(name, [])
        if target not in targets:
            targets.append(target)

    def _on_import(self, node: ast.Import) -> _Steps:
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            self._alias(name, alias.name if alias.asname else name)
            self._import(alias.name, node)
        return ()

    def _on_import_from(self, node: ast.ImportFrom) -> _Steps:
        if node.level or node.module is None:
            return ()
        self._import(node.module, node)
        for alias in node.names:
            if alias.name == "*":
                self.stars.append(node.module)
                continue
            whole = f"{node.module}.{alias.name}"
            self._alias(alias.asname or alias.name, whole)
            self._import(whole, node)
        return ()

    # what guards imports

    def _on_try(self, node: ast.Try) -> _Steps:
        guard = self._guard
        guards = any(_catches_import_error(handler.type) for handler in node.handlers)
        missing = tuple(_imported(node.body)) if guards else ()
        fallback = guard._replace(instead_of=guard.instead_of + missing)
        body = _optional(guard) if guards else guard
        ends = (*node.orelse, *node.finalbody)
        return [body, *node.body, fallback, *node.handlers, guard, *ends]

    def _on_with(self, node: ast.With) -> _Steps:
        steps: list[Any] = [item.context_expr for item in node.items]
        for item in node.items:
            if isinstance(item.optional_vars, ast.Name):
                self.literals.bind(item.optional_vars.id, item.context_expr)
            elif item.optional_vars is not None:
                steps.append(item.optional_vars)
        if any(_suppresses(item.context_expr) for item in node.items):
            return [*steps, _optional(self._guard), *node.body, self._guard]
        return [*steps, *node.body]

    def _on_if(self, node: ast.If) -> _Steps:
        test, guard = node.test, self._guard
        if _is_type_checking(test):
            return [test, guard._replace(kind="typing"), *node.body, guard, *node.orelse]
        if _is_type_checking(_denied(test)):
            return [test, *node.body, guard._replace(kind="typing"), *node.orelse, guard]
        return [test, *node.body, *node.orelse]

    # what names are bound to

    def _on_name(self, node: ast.Name) -> _Steps:
        if isinstance(node.ctx, ast.Load):
            self.chains.append(Chain(node.id, (), self._file, node.lineno + self._offset))
        else:
            self.literals.bind(node.id, None)
        return ()

    def _on_argument(self, node: ast.arg) -> _Steps:
        local = node.annotation is not None and _is_artifact(node.annotation)
        self.literals.bind(node.arg, ast.Constant(LOCAL) if local else None)
        return self._annotation(node.annotation)

    def _annotation(self, node: ast.expr | None) -> _Steps:
        """Strings in annotations are never evaluated: they name nothing that is needed."""
        if node is None or isinstance(node, ast.Name):
            return (node,)
        return (self._guard._replace(annotates=True), node, self._guard)

    def _on_function(self, node: ast.FunctionDef) -> _Steps:
        self.literals.bind(node.name, None)
        returns = self._annotation(node.returns)
        return [node.args, *node.body, *node.decorator_list, *returns]

    def _on_assign(self, node: ast.Assign) -> _Steps:
        steps: list[ast.expr] = []
        for target in node.targets:
            if not isinstance(target, ast.Name):
                steps.append(target)
            elif target.id == ARCHIVE_NAME and isinstance(node.value, ast.Constant):
                self._archive(str(node.value.value), self._line(node))
                return ()
            else:
                self.literals.bind(target.id, node.value)
        return [*steps, node.value]

    def _on_annotated(self, node: ast.AnnAssign) -> _Steps:
        return [*self._annotation(node.annotation), *self._on_walrus(node)]

    def _on_walrus(self, node: ast.AnnAssign | ast.NamedExpr) -> _Steps:
        if not isinstance(node.target, ast.Name):
            return (node.value, node.target)
        if node.value is not None:
            self.literals.bind(node.target.id, node.value)
        return (node.value,)

    def _on_for(self, node: ast.For) -> _Steps:
        self.literals.bind_each(node.target, node.iter)
        return [node.iter, *node.body, *node.orelse]

    def _on_comprehension(self, node: ast.comprehension) -> _Steps:
        self.literals.bind_each(node.target, node.iter)
        return [node.iter, *node.ifs]

    def _on_named(self, node: ast.AST) -> _Steps:
        name = getattr(node, "name", None) or getattr(node, "rest", None)
        if name:
            self.literals.bind(name, None)
        return children(node)

    def _archive(self, encoded: str, line: int) -> None:
        archive = read_archive(encoded)
        self.local |= archive.modules
        if archive.problem:
            text = f"brings an archive that {archive.problem}"
            self.doubts.append(Doubt(text, self._file, line))
        for text in archive.sources:
            self.read(SourceText(self._file, text))

    # uses

    def _on_call(self, node: ast.Call) -> _Steps:
        root, parts, base = dotted(node.func)
        self.words.update(parts)
        if root or parts:
            line = node.lineno + self._offset
            self.chains.append(Chain(root, parts, self._file, line, node))
        return [base, *node.args, *[word.value for word in node.keywords]]

    def _on_attribute(self, node: ast.Attribute) -> _Steps:
        root, parts, base = dotted(node)
        self.words.update(parts)
        if isinstance(node.ctx, ast.Load) or root in self.aliases:
            self.chains.append(Chain(root, parts, self._file, self._line(node)))
        return (base,)

    def _on_expression(self, node: ast.Expr) -> _Steps:
        return () if isinstance(node.value, ast.Constant) else (node.value,)

    def _on_constant(self, node: ast.Constant) -> _Steps:
        if isinstance(node.value, str) and not self._guard.annotates:
            self.strings.append((node, self._file, node.lineno + self._offset))
        return ()

    def _on_joined(self, node: ast.JoinedStr) -> _Steps:
        self.strings.append((node, self._file, self._line(node)))
        return [part.value for part in node.values if isinstance(part, ast.FormattedValue)]


def _descend(_: Walk, node: Any) -> _Steps:
    return children(node)


def _optional(guard: Guard) -> Guard:
    return guard._replace(kind="optional") if guard.kind == "plain" else guard


def _catches_import_error(caught: ast.expr | None) -> bool:
    return caught is None or not _IMPORT_ERRORS.isdisjoint(_last_names(caught))


def _last_names(node: ast.expr) -> Iterator[str]:
    for inner in within(node):
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.Attribute):
            yield inner.attr


def _suppresses(node: ast.expr) -> bool:
    if not isinstance(node, ast.Call):
        return False
    root, parts, _ = dotted(node.func)
    return "suppress" in (root, *parts) and any(map(_catches_import_error, node.args))


def _denied(test: ast.expr) -> ast.expr | None:
    """Return ``x`` of ``not x``."""
    denies = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
    return getattr(test, "operand", None) if denies else None


def _is_type_checking(test: ast.expr | None) -> bool:
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


_HANDLERS: dict[type, Callable[[Walk, Any], _Steps]] = {
    Guard: Walk._on_guard,
    ast.Import: Walk._on_import,
    ast.ImportFrom: Walk._on_import_from,
    ast.Try: Walk._on_try,
    ast.With: Walk._on_with,
    ast.AsyncWith: Walk._on_with,
    ast.If: Walk._on_if,
    ast.Name: Walk._on_name,
    ast.arg: Walk._on_argument,
    ast.Assign: Walk._on_assign,
    ast.AnnAssign: Walk._on_annotated,
    ast.NamedExpr: Walk._on_walrus,
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
