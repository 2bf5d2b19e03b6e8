"""What the sources say for distributions: imports, rules about what is used, programs, names."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cached_property

from kfslim.audit.declared import declared_names
from kfslim.audit.known import is_known_namespace, portion_of
from kfslim.audit.model import Evidence
from kfslim.audit.reasons import Reason, Reasons
from kfslim.audit.rules import Implied, implied
from kfslim.audit.uses import HOLE, Import, Program, Text, Uses

_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_VERBS = {
    "plain": "imports",
    "optional": "imports, if it is there,",
    "typing": "imports for type checks only",
    "dynamic": "imports by name",
}


def read_into(found: Reasons, uses: Uses) -> None:
    """Add to ``found`` all that ``uses`` say."""
    _Reading(found, uses).read()


class _Reading:
    """What the sources say."""

    def __init__(self, found: Reasons, uses: Uses) -> None:
        self.question, self.uses, self.found = found.question, uses, found
        self.environment = self.question.environment
        self.declared = declared_names(self.question.requirements)
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
        if name is not None and not one.needed:
            self.found.maybe[name].append(one.evidence)
        elif name is not None:
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
