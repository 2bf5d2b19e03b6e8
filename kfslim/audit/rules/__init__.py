"""Documented rules: what a step needs although it imports it nowhere.

Each rule has an id that never changes its meaning, and the source it was taken from.
"""

from __future__ import annotations

from collections.abc import Container, Iterable

from kfslim.audit.rules import clouds, databases, frames, learning, rarer, storage, texts, web
from kfslim.audit.rules.named import named
from kfslim.audit.rules.rule import Implied, Rule
from kfslim.audit.rules.triggers import Index
from kfslim.audit.uses import Uses

__all__ = ["RULES", "Implied", "Rule", "implied", "table"]

RULES: tuple[Rule, ...] = (
    *frames.RULES,
    *storage.RULES,
    *databases.RULES,
    *web.RULES,
    *learning.RULES,
    *clouds.RULES,
    *texts.RULES,
    *rarer.RULES,
)


def implied(uses: Uses, environment: Container[str]) -> list[Implied]:
    """Return what the rules say about ``uses``.

    ``environment`` holds the normalised names of all distributions at hand (``in`` is asked of
    it); rules speak only about libraries that are there.
    """
    index = Index(uses)
    found = [one for rule in RULES for one in rule.apply(index, environment)]
    return found + list(named(index, environment))


def table(rules: Iterable[Rule] = RULES) -> str:
    """Return the rules as a Markdown table, for docs/audit.md."""
    rows = ["| Rule | When | Needs | Source |", "| --- | --- | --- | --- |"]
    for rule in rules:
        when = "; ".join(trigger.text() for trigger in rule.when)
        needs = " or ".join(f"`{name.replace('+', '`, `')}`" for name in rule.implies)
        may = "" if rule.needed else "may need "
        rows.append(f"| {rule.id} | {when} | {may}{needs} | {rule.source} |")
    return "\n".join(rows) + "\n"
