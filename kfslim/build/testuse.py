"""Which test suites of a distribution nothing else in it uses.

A folder named ``tests`` goes only where it holds a Python test suite, and of it stays what the
distribution's other modules refer to, directly or through other test modules (numpy's testing
helpers import ``numpy._core.tests._natype``).  References are found without running anything and
without parsing: dotted names anywhere in sources, metadata and compiled modules, and ``from``
imports, absolute and relative.  A mention in a comment keeps a module too: the safe side.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

_TESTS = "tests"
_SUITE = re.compile(r"(?:^|/)(?:test_[^/]*|[^/]*_test|conftest)\.py$")
_MENTION = re.compile(rb"tests\b[\w.]*")  # begins with a literal: fast over large binaries
_LEFT = re.compile(rb"(?:[A-Za-z_]\w*\.)*\Z")
_LONGEST = 200  # bytes of a dotted name
_FROM = re.compile(rb"\bfrom[ \t]+([.\w]+)[ \t]+import[ \t]*(\([^)]*\)|[^\n;#]+)")
_NAME = re.compile(rb"[A-Za-z_]\w*")
_READS_FILES = re.compile(rb"__file__|__path__|\b(?:importlib|pkgutil|pkg_resources)\b")


class _Tree(Protocol):
    @property
    def paths(self) -> Sequence[str]: ...

    def read(self, path: str) -> bytes: ...


def unused_tests(tree: _Tree) -> set[str]:
    """Return the paths of test suites that nothing outside of them needs."""
    suites = _suites(tree.paths)
    inside = {path: suite for path in tree.paths if (suite := _suite_of(path, suites))}
    if not inside:
        return set()
    modules = {_module(path): path for path in inside if _is_module(path)}
    pending = [path for path in tree.paths if path not in inside and _can_refer(path)]
    kept: set[str] = set()
    while pending:
        path = pending.pop()
        data = tree.read(path)
        found = {p for name in _references(path, data) for p in _needed(name, modules)}
        if path in kept and _READS_FILES.search(data):
            found |= {p for p, suite in inside.items() if suite == inside[path]}
        pending += [p for p in found - kept if _can_refer(p)]
        kept |= found
    return set(inside) - kept


def _suites(paths: Sequence[str]) -> set[str]:
    """The topmost folders named ``tests`` that hold a Python test suite."""
    found = ((path, _top(path)) for path in paths if _SUITE.search(path))
    return {path[: cut + len(_TESTS)] for path, cut in found if cut >= 0}


def _top(path: str) -> int:
    """Where the topmost folder ``tests`` of a path begins, -1 without one."""
    return f"/{path}".find(f"/{_TESTS}/")


def _suite_of(path: str, suites: set[str]) -> str:
    cut = _top(path)
    suite = path[: cut + len(_TESTS)] if cut >= 0 else ""
    return suite if suite in suites else ""


def _is_module(path: str) -> bool:
    return path.endswith((".py", ".so"))


def _can_refer(path: str) -> bool:
    return path.endswith((".py", ".so", ".pyx", ".dist-info/entry_points.txt"))


def _module(path: str) -> str:
    """``numpy.tests`` of ``numpy/tests/__init__.py``, ``a.b`` of ``a/b.cpython-311-x.so``."""
    folder, _, name = path.rpartition("/")
    stem = name.partition(".")[0]
    parts = [*folder.split("/"), *([] if stem == "__init__" else [stem])]
    return ".".join(parts)


def _references(path: str, data: bytes) -> Iterator[str]:
    """Yield absolute dotted names, some of a module and some of what is in one."""
    if b"tests" not in data and not (_TESTS in path and b"from" in data):
        return
    for match in _MENTION.finditer(data):
        start = match.start()
        left = _LEFT.search(data, max(0, start - _LONGEST), start)
        yield ((left[0] if left else b"") + match[0]).decode("ascii", "replace")
    if path.endswith(".py"):
        yield from _from_imports(path, data)


def _from_imports(path: str, data: bytes) -> Iterator[str]:
    for source, names in _FROM.findall(data):
        if not (base := _absolute(path, source.decode())):
            continue
        yield base
        for name in _NAME.findall(names):
            yield f"{base}.{name.decode()}"


def _absolute(path: str, name: str) -> str:
    """Make a relative import's source absolute: one dot is the package that holds the module."""
    dots = len(name) - len(name.lstrip("."))
    if not dots:
        return name
    package = path.split("/")[:-dots]
    return ".".join([*package, *filter(None, [name[dots:]])])


def _needed(name: str, modules: dict[str, str]) -> Iterable[str]:
    """Return the modules that importing ``name`` loads: the parents, and itself."""
    parts = name.split(".")
    return (
        modules[prefix]
        for end in range(1, len(parts) + 1)
        if (prefix := ".".join(parts[:end])) in modules
    )
