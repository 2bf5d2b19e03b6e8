"""Why distributions are needed: all evidence, by name, before anything is decided."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import NamedTuple

from packaging.utils import canonicalize_name

from kfslim.audit.graph import Plugin
from kfslim.audit.known import is_known_namespace, portion_of
from kfslim.audit.model import Evidence
from kfslim.audit.plugins import LOADED_WHOLE, Names
from kfslim.audit.question import Question
from kfslim.audit.rules import Implied, implied
from kfslim.audit.uses import HOLE, Import, Program, Text, Uses

# Strongest first: the first code that a distribution has is the one that its finding gets.
STRENGTH = ("KS101", "KS102", "KS104", "KS103", "KS107", "KS106", "KS105", "KS108")
_MAY_ERR = {"KS102", "KS103"}  # what a trial of the step itself can prove wrong
_MOST_ROUNDS = 10  # plugins of plugins
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_SITE = re.compile(r"/(?:site|dist)-packages/(.+)")


class Reason(NamedTuple):
    """A piece of evidence, and the code that it speaks for."""

    code: str
    evidence: Evidence


@dataclass
class Reasons:
    """The evidence of one step, by normalised name.

    ``keep`` speaks for keeping, ``weak`` is worth telling but keeps nothing.  ``imports`` are the
    imports that nothing here offers, by what is missing; ``absent`` are rules none of whose
    distributions is here.  ``touched`` are the distributions that the trace used.
    """

    question: Question
    keep: dict[str, list[Reason]] = field(default_factory=lambda: defaultdict(list))
    weak: dict[str, list[Evidence]] = field(default_factory=lambda: defaultdict(list))
    imports: dict[str, list[Evidence]] = field(default_factory=lambda: defaultdict(list))
    absent: list[Implied] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)

    def needed(self) -> set[str]:
        """Return the names that are kept for a reason of their own."""
        return {name for name in self.keep if self.code(name)}

    def wanted(self) -> list[str]:
        """Return those of :meth:`needed` that are at hand and not the base's, sorted."""
        there = self.question.environment.by_name.keys() - self.question.base_provides
        return sorted(self.needed() & there)

    def code(self, name: str) -> str:
        """Return the strongest code that keeps ``name``; empty where nothing does."""
        codes = {reason.code for reason in self.keep.get(name, ())}
        if codes <= _MAY_ERR and self.question.trusting and self.unused_in_run(name):
            return ""
        return min(codes, key=STRENGTH.index, default="")

    def unused_in_run(self, name: str) -> bool:
        """Tell whether a run of the step itself was traced and did not touch ``name``."""
        trace = self.question.trace
        return trace is not None and trace.level == "run" and name not in self.touched

    def evidence(self, name: str) -> tuple[Evidence, ...]:
        """Return all evidence about ``name``, the strongest first."""
        reasons = sorted(
            self.keep.get(name, ()), key=lambda r: (STRENGTH.index(r.code), r.evidence.file)
        )
        found: dict[object, Evidence] = {}
        for one in (*(reason.evidence for reason in reasons), *self.weak.get(name, ())):
            # ``from x import a, b`` was seen as x, x.a and x.b: one line, told once
            found.setdefault((one.kind, one.file, one.line) if one.line else one, one)
        return tuple(found.values())


def gather(question: Question) -> Reasons:
    """Collect everything that speaks for a distribution."""
    found = Reasons(question)
    if question.uses is not None:
        _Reading(question, question.uses, found).read()
    for name in question.environment.by_name:
        for pattern in question.keeps:
            if fnmatchcase(name, str(canonicalize_name(pattern)) if pattern != "*" else "*"):
                text = f"the configuration keeps {pattern}"
                found.keep[name].append(Reason("KS106", Evidence(kind="config", text=text)))
    for name, why in question.put_back.items():
        found.keep[name].append(Reason("KS107", Evidence(kind="trial", text=why)))
    _trace(question, found)
    _plugins(question, found)
    return found


class _Reading:
    """What the sources say."""

    def __init__(self, question: Question, uses: Uses, found: Reasons) -> None:
        self.question, self.uses, self.found = question, uses, found
        self.environment = question.environment
        self.declared = declared_names(question)
        self._credit: dict[tuple[frozenset[str], bool], frozenset[str]] = {}

    @cached_property
    def _only_typing(self) -> frozenset[str]:
        """What is imported for type checks only: strings that name it are annotations."""
        kinds: dict[str, set[str]] = defaultdict(set)
        for used in self.uses.imports:
            kinds[used.module.partition(".")[0]].add(used.kind)
        return frozenset(top for top, those in kinds.items() if those == {"typing"})

    def read(self) -> None:
        for used in self.uses.imports:
            self._import(used)
        for one in implied(self.uses, self.environment.by_name):
            self._rule(one)
        for program in self.uses.programs:
            self._program(program)
        for text in {text.value: text for text in reversed(self.uses.texts)}.values():
            self._mention(text)  # where it is first

    def _import(self, used: Import) -> None:
        module, top = used.module, used.module.partition(".")[0]
        if top in self.environment.standard or self.environment.is_namespace(module):
            return
        evidence = Evidence(
            kind="import", text=f"{_VERBS[used.kind]} {module}", file=used.file, line=used.line
        )
        owners = self.environment.owners(module)
        if not owners:
            riddle = used.kind == "plain" and not is_known_namespace(module)
            if riddle and not self._is_explained(used, top):
                self.found.imports[self._missing(module)].append(evidence)
            return
        for name in self._credited(owners, local=top in self.uses.local):
            if used.kind == "typing" or self._is_fallback(used):
                self.found.weak[name].append(evidence)
            else:
                self.found.keep[name].append(Reason("KS101", evidence))

    def _is_explained(self, used: Import, top: str) -> bool:
        """True where the sources have the module, KFP's executor brings it, or it is plan B."""
        brought = top == "kfp" and self.question.kfp == "runtime"
        return brought or top in self.uses.local or self._is_fallback(used)

    def _is_fallback(self, used: Import) -> bool:
        """True where everything is there that this import stands in for."""
        return bool(used.instead_of) and all(map(self._is_there, used.instead_of))

    def _is_there(self, module: str) -> bool:
        top = module.partition(".")[0]
        standard = top in self.environment.standard or top in self.uses.local
        return standard or bool(self.environment.owners(module))

    def _missing(self, module: str) -> str:
        """Return how far ``module`` must be named to tell what is missing."""
        parts = module.split(".")
        for depth in range(1, len(parts)):
            if not self.environment.is_namespace(".".join(parts[:depth])):
                return max(".".join(parts[:depth]), portion_of(module), key=len)
        return module

    def _credited(self, owners: frozenset[str], *, local: bool) -> frozenset[str]:
        """Return those of ``owners`` of one module that an import of it speaks for.

        Declared ones before those that only came along; of the latter those that no other of
        them requires (mlflow requires mlflow-skinny, and both hold the module ``mlflow``).
        Where none is declared, those of which an owner is only a part.
        """
        if (known := self._credit.get((owners, local))) is None:
            known = self._credit[owners, local] = self._chosen(owners, local=local)
        return known

    def _chosen(self, owners: frozenset[str], *, local: bool) -> frozenset[str]:
        if self.question.kfp == "runtime":
            owners -= {"kfp"}
        if declared := (owners & self.declared) or self._parts_of(owners):
            return declared
        if local:
            return frozenset()
        required = {name for name in owners if self.environment.requirers(name) & owners}
        return (owners - required) or owners

    def _parts_of(self, owners: frozenset[str]) -> frozenset[str]:
        """Return the declared ones of which an owner is only a part.

        They require it, and hold the same package or bring nothing else.
        """
        return frozenset(
            name
            for owner in owners
            for name in self.environment.requirers(owner) & self.declared
            if self._is_part(owner, name)
        )

    def _is_part(self, owner: str, whole: str) -> bool:
        environment = self.environment
        if environment.by_name[whole].modules:
            return bool(environment.tops(whole) & environment.tops(owner))
        return environment.closure([whole]) == environment.closure([owner]) | {whole}

    def _rule(self, one: Implied) -> None:
        name = next((name for name in one.names if name in self.environment), None)
        if name is not None:
            self.found.keep[name].append(Reason("KS102", one.evidence))
        elif one.needed and not self.question.base_provides.intersection(one.names):
            self.found.absent.append(one)

    def _mention(self, text: Text) -> None:
        """Credit a string that names a module or a class by its path, for somebody to import.

        Settings hold such strings (logging, task queues, servers).  ``flask.log`` is none: flask
        has no such module, and no class is called so.
        """
        path = text.value.replace(":", ".", 1)
        top = path.partition(".")[0]
        if top in self.environment.standard or top in self._only_typing:
            return
        if not _DOTTED.fullmatch(path):
            return
        module = self.environment.holder(path)
        whole, _, attribute = path.rpartition(".")
        if module in (path, whole) and ("." in module or attribute[:1].isupper()):
            evidence = Evidence(
                kind="mention", text=f"names {text.value}", file=text.file, line=text.line
            )
            owners = self.environment.owners(module)
            for name in self._credited(owners, local=top in self.uses.local):
                if self.found.code(name) != "KS101":
                    self.found.keep[name].append(Reason("KS102", evidence))

    def _program(self, program: Program) -> None:
        if program.name == HOLE:
            return  # see doubts
        for name in self.environment.scripts.get(program.name, ()):
            evidence = Evidence(
                kind="script",
                text=f"starts its program {program.name}",
                file=program.file,
                line=program.line,
            )
            self.found.keep[name].append(Reason("KS104", evidence))


_VERBS = {
    "plain": "imports",
    "optional": "imports, if it is there,",
    "typing": "imports for type checks only",
    "dynamic": "imports by name",
}


def declared_names(question: Question) -> frozenset[str]:
    """Return the normalised names of the declared requirements."""
    heads = (re.match(r"[\w.-]+", line.text.strip()) for line in question.requirements)
    return frozenset(str(canonicalize_name(head[0])) for head in heads if head)


def _trace(question: Question, found: Reasons) -> None:
    """Credit what a trace touched: modules, and files inside of packages."""
    trace = question.trace
    if trace is None:
        return
    modules = {*trace.modules, *filter(None, map(_module_of, (*trace.files, *trace.mapped)))}
    times: dict[str, int] = defaultdict(int)
    for module in modules:
        if module.partition(".")[0] not in question.environment.standard:
            for name in question.environment.owners(module):
                times[name] += 1
    if question.kfp == "runtime":
        times.pop("kfp", None)
    found.touched = set(times)
    for name, count in times.items():
        what = "module or file" if count == 1 else "modules and files"
        text = f"a trial ({trace.level}) used {count} {what} of it"
        found.keep[name].append(Reason("KS107", Evidence(kind="trace", text=text)))


def _module_of(path: str) -> str:
    """``/opt/…/site-packages/certifi/cacert.pem`` → ``certifi.cacert``; "" for papers."""
    inside = _SITE.search(path)
    if not inside or ".dist-info/" in inside[1] or ".egg-info/" in inside[1]:
        return ""
    folders = inside[1].split("/")
    return ".".join([*folders[:-1], folders[-1].partition(".")[0]])


def _plugins(question: Question, found: Reasons) -> None:
    """Keep the plugins that the source names, or that their host loads without being asked."""
    if question.uses is None:
        return
    names = Names(question.uses.texts)
    for _ in range(_MOST_ROUNDS):
        used = question.environment.closure(found.needed())
        new = False
        for plugin in question.environment.plugins_of(used):
            if plugin.distribution not in used and (evidence := _asked_for(plugin, names)):
                found.keep[plugin.distribution].append(Reason("KS103", evidence))
                new = True
        if not new:
            return


def _asked_for(plugin: Plugin, names: Names) -> Evidence | None:
    offer = f"plugin {plugin.name} of {plugin.host} ({plugin.group})"
    if plugin.group in LOADED_WHOLE:
        return Evidence(kind="entry-point", text=f"{offer}: {plugin.host} loads them all")
    if (text := names.asking_for(plugin)) is None:
        return None
    return Evidence(
        kind="entry-point",
        text=f"{offer}: named by {text.value[:80]!r}",
        file=text.file,
        line=text.line,
    )
