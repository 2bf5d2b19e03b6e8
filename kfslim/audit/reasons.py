"""Why distributions are needed: the evidence by name, and which of it is the strongest."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from kfslim.audit.model import Evidence
from kfslim.audit.question import Question
from kfslim.audit.rules import Implied

# Strongest first: the first code that a distribution has is the one that its finding gets.
STRENGTH = ("KS101", "KS102", "KS104", "KS103", "KS107", "KS106", "KS105", "KS108")
_MAY_ERR = {"KS102", "KS103"}  # what a trial of the step itself can prove wrong


class Reason(NamedTuple):
    """A piece of evidence, and the code that it speaks for."""

    code: str
    evidence: Evidence


@dataclass
class Reasons:
    """The evidence of one step, by normalised name.

    ``keep`` speaks for keeping, ``weak`` is worth telling but keeps nothing.  ``maybe`` are rules
    that hang on what the source computes: they keep what was declared.  ``imports`` are the
    imports that nothing here offers, by what is missing; ``absent`` are rules none of whose
    distributions is here.  ``touched`` are the distributions that the trace used.
    """

    question: Question
    keep: dict[str, list[Reason]] = field(default_factory=lambda: defaultdict(list))
    weak: dict[str, list[Evidence]] = field(default_factory=lambda: defaultdict(list))
    maybe: dict[str, list[Evidence]] = field(default_factory=lambda: defaultdict(list))
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
        if name in self.question.put_back and "KS101" not in codes:
            return "KS107"  # a trial has proven it
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
