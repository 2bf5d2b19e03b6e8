"""What a finished image never needs: named rules, each with its reason, and what each spares.

A rule looks at one distribution at a time and at nothing but its own files, so a layer stays a
function of its wheels.  The names in a plan are the rules in force; ``tests!numpy`` puts numpy's
tests back.  Nothing is removed on a guess: what a rule spares by itself is told by evidence in the
distribution (its code mentions the files), or is a documented need.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import NamedTuple, Protocol

from kfslim.build.testuse import unused_tests
from kfslim.errors import BadPlan


class Tree(Protocol):
    """The files of one distribution below site-packages: paths, and their bytes on demand."""

    @property
    def paths(self) -> Sequence[str]:
        """All paths, sorted."""

    def read(self, path: str) -> bytes:
        """Return the bytes of one file."""


Select = Callable[[Tree], set[str]]


@dataclass(frozen=True)
class Rule:
    """One policy: ``select`` names the paths of a tree that go.

    ``unless`` are distributions that need such files at run time (patterns over normalised names).
    """

    name: str
    reason: str
    select: Select
    unless: tuple[str, ...] = ()


# Distributions that compile at run time, with a compiler they bring along (NVRTC, LLVM, a bundled
# toolchain) or one that is their purpose: what others never open again is their input.
COMPILERS = (
    *("apache-tvm*", "cffi", "clang*", "cmake", "cupy*", "cython", "cuda-*", "jax*", "keopscore"),
    *("libclang", "llvmlite", "meson*", "mypyc", "numba*", "nvidia-*", "pybind11*", "pycuda"),
    *("pykeops", "pyopencl", "pythran", "scikit-build*", "setuptools", "tensorrt*", "taichi"),
    *("torch", "triton*", "warp-lang", "ziglang"),
)


def _ending(*suffixes: str, within: str = "") -> Select:
    """Select files by suffix, below a folder named ``within`` where one is given."""

    def select(tree: Tree) -> set[str]:
        found = (path for path in tree.paths if path.endswith(suffixes))
        return {path for path in found if not within or within in path.split("/")[:-1]}

    return select


def _unmentioned(select: Select, *mentions: bytes) -> Select:
    """Select nothing where the distribution's own code mentions such files."""

    def careful(tree: Tree) -> set[str]:
        selected = select(tree)
        if selected and any(mention in source for source in _sources(tree) for mention in mentions):
            return set()
        return selected

    return careful


def _sources(tree: Tree) -> Iterable[bytes]:
    return (tree.read(path) for path in tree.paths if path.endswith(".py"))


def _old_bytecode(tree: Tree) -> set[str]:
    return {path for path in tree.paths if "/__pycache__/" in f"/{path}"}


RULES = (
    Rule("caches", "bytecode of the packager's interpreter; ours replaces it", _old_bytecode),
    Rule(
        "headers",
        "C and C++ headers serve a compiler, and there is none in the image",
        _ending(".h", ".hh", ".hpp", ".hxx", ".inl", ".tcc", within="include"),
        unless=COMPILERS,
    ),
    Rule(
        "source-maps",
        "maps from minified to original JavaScript and CSS serve a browser's debugger",
        _ending(".js.map", ".mjs.map", ".css.map"),
    ),
    Rule(
        "sources",
        "C, C++ and Cython sources of compiled modules; only tracebacks would show them",
        _unmentioned(
            _ending(".c", ".cc", ".cpp", ".pyx", ".pxi", ".pxd"),
            *(b'.c"', b".c'", b'.cpp"', b".cpp'", b'.cc"', b".cc'", b".pyx", b"pyximport"),
        ),
        unless=COMPILERS,
    ),
    Rule(
        "static-libraries",
        "static libraries serve a linker, and there is none in the image",
        _ending(".a", ".lib"),
        unless=COMPILERS,
    ),
    # lazy_loader.attach_stub reads .pyi files to know what to import; type checkers read them too.
    Rule(
        "stubs",
        "type stubs serve type checkers; py.typed stays",
        _unmentioned(_ending(".pyi"), b"attach_stub", b'.pyi"', b".pyi'"),
    ),
    Rule("tests", "test suites that no other module of the distribution uses", unused_tests),
)
_BY_NAME = {rule.name: rule for rule in RULES}
DEFAULT_PRUNE = tuple(_BY_NAME)


class Cut(NamedTuple):
    """What one rule removed from one distribution."""

    rule: str
    disk_bytes: int
    files: int


@dataclass(frozen=True)
class Policy:
    """The rules of a plan, parsed."""

    rules: tuple[Rule, ...] = ()
    exceptions: frozenset[tuple[str, str]] = field(default_factory=frozenset)

    @classmethod
    def parse(cls, names: Iterable[str]) -> Policy:
        """Read the ``prune`` field of a plan: ``tests`` and ``tests!numpy``.

        Raises:
            BadPlan: there is no such rule.
        """
        rules, exceptions = set(), set()
        for text in names:
            name, _, spared = text.partition("!")
            if name not in _BY_NAME:
                raise BadPlan(
                    f"{text!r} is no prune rule", hint=f"There are: {', '.join(DEFAULT_PRUNE)}."
                )
            if spared:
                exceptions.add((name, spared))
            else:
                rules.add(name)
        return cls(tuple(_BY_NAME[name] for name in sorted(rules)), frozenset(exceptions))

    def rules_for(self, distribution: str) -> tuple[Rule, ...]:
        """Return the rules in force for one distribution (normalised name)."""
        return tuple(
            rule
            for rule in self.rules
            if (rule.name, distribution) not in self.exceptions
            and not any(fnmatchcase(distribution, pattern) for pattern in rule.unless)
        )

    def removed(self, distribution: str, tree: Tree) -> dict[str, str]:
        """Return path → name of the rule that removes it; the first rule in order wins."""
        gone: dict[str, str] = {}
        for rule in self.rules_for(distribution):
            for path in rule.select(tree):
                gone.setdefault(path, rule.name)
        return gone
