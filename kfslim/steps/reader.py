"""Read Python source: every import, call and name in it, without running any of it.

Names are resolved when all is read, since a function may use what is assigned below it.
"""

from __future__ import annotations

import ast
import builtins
import re
import sys
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from kfslim.steps.commands import STARTS, is_python, program_of, words_of
from kfslim.steps.nodes import dotted
from kfslim.steps.sightings import (
    HOLE,
    Attribute,
    Call,
    Doubt,
    Import,
    ImportKind,
    Program,
    SourceText,
    Text,
    Value,
)
from kfslim.steps.walk import Chain, Walk

# Calls that import, by a name that may be known only at run time.
_IMPORTING = re.compile(
    r"(importlib\.)?(import_module|reload)|__import__|exec|eval|execfile"
    r"|runpy\.run_(module|path)|(importlib\.)?util\.(spec_from_file_location|module_from_spec)"
    r"|pkgutil\.(iter_modules|walk_packages|resolve_name)|imp\.load_\w+"
    r"|(importlib\.)?metadata\.entry_points|pkg_resources\.iter_entry_points"
)
_BY_NAME = {"import_module", "__import__", "run_module", "resolve_name"}
# Calls that import what their first argument names, when it is there.
_ASKING = re.compile(r"(importlib\.)?util\.find_spec|(.*\.)?importorskip")
# Calls that import the module of what their first argument names.
_NAMING = re.compile(
    r"((unittest\.)?mock\.|mocker\.)?patch(\.(dict|multiple))?|monkeypatch\.setattr|pydoc\.locate"
    r"|(importlib\.)?resources\.\w+|pkgutil\.get_data|(.*\.)?(import_string|LazyLoader)"
)
# Calls that unpickle: the objects' classes are imported by name.
_UNPICKLING = re.compile(
    r"(c?pickle|_pickle|cloudpickle|dill|joblib|torch|shelve|skops\.io)\.(loads?|open|Unpickler)"
    r"|.*\bread_pickle|.*\bload_model|.*\bload_learner|.*\bload_checkpoint"
)
_PICKLING = re.compile(r".*\b(dumps?|save|to_pickle|save_model)")
# What calls mean for imports and for pickles, by their names: the first that fits.
_TO_IMPORTS = {"import": _IMPORTING, "ask": _ASKING, "name": _NAMING, "start": STARTS}
_TO_PICKLES = {"unpickle": _UNPICKLING, "pickle": _PICKLING}
_MODULE = re.compile(r"[A-Za-z_]\w*(\.\w+)*")
_BUILTIN = frozenset(dir(builtins))
# Star imports that bring no names that rules are about; KFP begins every step with the first two.
_QUIET_STARS = {"kfp", *sys.stdlib_module_names}
_URL = re.compile(r"[a-zA-Z][\w+.\-]*://[^\s'\"<>)]*")
_SETTING = re.compile(r"^[ \t\-]*[\w.\-]+[ \t]*[:=][ \t]*['\"]?([\w./:+@\-]+)['\"]?,?[ \t]*$", re.M)
_MOST_MEANINGS = 1 << 14  # of names that are kept: those of a large tree
_LONGEST_NAME = 300  # characters
_LONGEST_TEXT = 64 << 10  # of a longer string only the beginning is looked at


@dataclass
class Sightings:
    """What was seen, in the order of files and lines.

    ``words`` are all names that follow a dot.  ``local`` are modules that an archive brings.
    ``problem`` is the file, line and sentence of the first text that could not be parsed.
    """

    imports: list[Import] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    attributes: list[Attribute] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    programs: list[Program] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    words: set[str] = field(default_factory=set)
    local: set[str] = field(default_factory=set)
    problem: tuple[str, int, str] | None = None


def read_together(sources: Iterable[SourceText]) -> Sightings:
    """Read texts that share their names, such as the cells of a notebook; never raises."""
    walk = Walk()
    order: dict[str, int] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about escapes and the like in the source
        for source in sources:
            order.setdefault(source.file, len(order))
            walk.read(source)
        seen = _Reader(walk).read()
    for found in (seen.imports, seen.doubts, seen.texts):
        found.sort(key=lambda one: (order.get(one.file, 0), one.line))
    return seen


class _Reader:
    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.value = walk.literals.value
        self.seen = Sightings(walk.imports, doubts=walk.doubts, words=walk.words, local=walk.local)
        self.known: set[tuple[str, str]] = set()  # attributes, by file
        self.pickled: set[str] = set()
        self.unpickled: list[tuple[Doubt, ast.expr | None]] = []

    def read(self) -> Sightings:
        while self.walk.chains:  # more may come: of constant text that is executed
            chains, self.walk.chains = self.walk.chains, []
            self.stars = [star for star in self.walk.stars if _is_loud(star)]
            for chain in chains:
                if not (chain.parts or chain.call or self.stars or chain.root in self.walk.aliases):
                    continue  # a plain name: most are
                for name, resolved in self._targets(chain):
                    self._sight(name, resolved, chain)
        for node, file, line in self.walk.strings:
            for name in names_in(str(self.value(node))):
                self.seen.texts.append(Text(name, file, line))
        self._judge_pickles()
        self.seen.problem = self.walk.problem
        return self.seen

    def _targets(self, chain: Chain) -> list[tuple[str, bool]]:
        """Return the names that ``chain`` may stand for, and whether they are whole."""
        tail = ".".join(("", *chain.parts))
        if chain.root in self.walk.aliases:
            return [(target + tail, True) for target in self.walk.aliases[chain.root]]
        found: list[tuple[str, bool]] = []
        if self.stars and chain.root and not self._is_known(chain.root):
            found = [(f"{star}.{chain.root}{tail}", True) for star in self.stars]
        if tail or chain.call:
            found.append((chain.root + tail, False))
        return found

    def _is_known(self, name: str) -> bool:
        return name in _BUILTIN or self.walk.literals.is_bound(name)

    def _sight(self, name: str, resolved: bool, chain: Chain) -> None:
        if chain.call is not None:
            self._call(name, resolved, chain, chain.call)
        if resolved:
            names = [name] if chain.call is None else []
        else:
            parts = chain.parts if chain.call is None else chain.parts[:-1]
            names = [f".{part}" for part in parts]
        for one in names:
            if "." in one and (one, chain.file) not in self.known:
                self.known.add((one, chain.file))
                self.seen.attributes.append(Attribute(one, chain.file, chain.line))

    def _call(self, name: str, resolved: bool, chain: Chain, node: ast.Call) -> None:
        called = name if resolved or not chain.parts else f".{chain.parts[-1]}"
        arguments = tuple(map(self.value, node.args))
        keywords = tuple([(word.arg or "**", self.value(word.value)) for word in node.keywords])
        self.seen.calls.append(Call(called, chain.file, chain.line, arguments, keywords))
        to_imports, to_pickles = _meaning(name)
        if name == "getattr" and len(arguments) > 1:
            self._getattr(node.args[0], str(arguments[1]), chain)
        elif to_imports:
            first = arguments[0] if arguments else HOLE
            self._imports(to_imports, name, first, node, chain)
        if to_pickles or keywords:
            self._pickles(to_pickles, name, node, dict(keywords), chain)

    def _getattr(self, of: ast.expr, attribute: str, chain: Chain) -> None:
        root, parts, _ = dotted(of)
        taken = chain._replace(root=root, parts=(*parts, attribute), call=None)
        for name, resolved in self._targets(taken):
            if resolved or HOLE not in attribute:
                self._sight(name, resolved, taken)

    def _named(self, name: Value, chain: Chain, kind: ImportKind) -> None:
        module = str(name).replace(":", ".")
        if _MODULE.fullmatch(module):
            self.seen.imports.append(Import(module, chain.file, chain.line, kind))

    # what hides imports

    def _imports(self, meaning: str, name: str, first: Value, node: ast.Call, chain: Chain) -> None:
        if meaning == "import":
            self._importing(name, node, chain)
        elif meaning == "start":
            self._starts(name, node, chain)
        else:
            self._named(first, chain, "optional" if meaning == "ask" else "dynamic")

    def _importing(self, name: str, node: ast.Call, chain: Chain) -> None:
        first = node.args[0] if node.args else None
        by_name = name.rpartition(".")[2] in _BY_NAME
        if by_name and self._by_name(first, _package(node), chain):
            return
        if name in ("exec", "eval") and isinstance(first, ast.Constant):
            self.walk.read(SourceText(chain.file, str(first.value), chain.line))
            return
        self.seen.doubts.append(Doubt(f"imports by {name}()", chain.file, chain.line))

    def _by_name(self, node: ast.expr | None, package: ast.expr | None, chain: Chain) -> bool:
        """Note the modules that ``node`` names; False where there may be others."""
        choices = self.walk.literals.choices(node)
        if choices and all(choice.startswith(".") for choice in choices):
            base = self.value(package)
            choices = {f"{base}{choice}" for choice in choices} if base != HOLE else None
        if not choices or not all(map(_is_told, choices)):
            return False
        for choice in sorted(choices):
            self._named(choice.partition(HOLE)[0].rstrip("."), chain, "dynamic")
        return True

    def _pickles(
        self, meaning: str, name: str, node: ast.Call, given: dict[str, Value], chain: Chain
    ) -> None:
        if meaning == "unpickle" and given.get("weights_only") is not True:
            doubt = Doubt(f"unpickles ({name})", chain.file, chain.line)
            self.unpickled.append((doubt, node.args[0] if node.args else None))
        elif meaning == "pickle":
            self.pickled |= self.walk.literals.origins(node)
            for part in node.args:
                self.pickled |= self.walk.literals.origins(part)
        if given.get("allow_pickle"):
            text = "unpickles (allow_pickle)"
            self.seen.doubts.append(Doubt(text, chain.file, chain.line))

    def _judge_pickles(self) -> None:
        for doubt, path in self.unpickled:
            origins = self.walk.literals.origins(path) if path is not None else set()
            own = bool(origins) and origins <= self.pickled
            self.seen.doubts.append(doubt._replace(own=own))

    # programs

    def _starts(self, name: str, node: ast.Call, chain: Chain) -> None:
        for words in words_of(name, node, self.walk.literals):
            program, module = program_of(words)
            if module:
                self._named(module, chain, "dynamic")
            elif program:
                self.seen.programs.append(Program(program, chain.file, chain.line))
            elif is_python(words[0]) and "-c" in words[:-1]:
                self.walk.read(SourceText(chain.file, words[words.index("-c") + 1], chain.line))


def names_in(value: str) -> list[str]:
    """Return what a string may name: itself, or the URLs and settings in a longer one."""
    words = value.split(maxsplit=1)
    if len(value) <= _LONGEST_NAME and words in ([], [value]):
        return words if value != HOLE else []
    value = value[:_LONGEST_TEXT]
    found: list[str] = _URL.findall(value) if "://" in value else []
    return found + _SETTING.findall(value) if "\n" in value else found


@lru_cache(_MOST_MEANINGS)
def _meaning(name: str) -> tuple[str, str]:
    """Return what a call of ``name`` means for imports, and for pickles; "" for nothing."""
    return _first(name, _TO_IMPORTS), _first(name, _TO_PICKLES)


def _first(name: str, patterns: dict[str, re.Pattern[str]]) -> str:
    return next((meaning for meaning, pattern in patterns.items() if pattern.fullmatch(name)), "")


def _package(node: ast.Call) -> ast.expr | None:
    named = [word.value for word in node.keywords if word.arg == "package"]
    return [*node.args[1:2], *named, None][0]


def _is_told(choice: str) -> bool:
    """``pandas.{}`` is of pandas, whatever it is; ``pandas{}`` may be of anybody."""
    known, hole, _ = choice.partition(HOLE)
    return bool(_MODULE.match(known)) and (not hole or known.endswith("."))


def _is_loud(star: str) -> bool:
    return star.partition(".")[0] not in _QUIET_STARS
