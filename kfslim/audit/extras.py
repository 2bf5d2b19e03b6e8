"""Extras of a kept requirement that nothing uses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kfslim.audit.declared import Group
from kfslim.audit.doubts import doubts
from kfslim.audit.model import Evidence, Price
from kfslim.audit.question import Question
from kfslim.audit.reasons import Reasons


class Idle(NamedTuple):
    """The ``extras`` of a group that go, the ``text`` that stays, and what that saves."""

    text: str
    extras: frozenset[str] = frozenset()
    price: Price = Price()
    evidence: Evidence = Evidence(kind="dependency", text="")


class Shorter(NamedTuple):
    """A requirement without some extras; ``only``: it had these, and no others."""

    text: str
    only: bool


def without_extras(text: str, extras: Iterable[str]) -> Shorter:
    """Return ``text`` without ``extras`` (normalised)."""
    requirement = Requirement(text)
    gone = {extra for extra in requirement.extras if canonicalize_name(extra) in set(extras)}
    requirement.extras -= gone
    return Shorter(str(requirement) if gone else text, bool(gone) and not requirement.extras)


def idle_extras(question: Question, found: Reasons, used: frozenset[str], group: Group) -> Idle:
    """Return the extras of ``group`` that bring only what nothing needs, surely.

    One that brings nothing more than is there without it stays: nothing would be saved.
    """
    environment = question.environment
    bare = environment.closure([group.name])
    wanted, idle, gone = set(found.wanted()), set[str](), set[str]()
    for extra in Requirement(group.text).extras:
        brought = environment.closure([f"{group.name}[{extra}]"]) - bare
        needed = any(name in wanted or doubts(question, found, used, name) for name in brought)
        if brought and not needed:
            idle.add(str(canonicalize_name(extra)))
            gone |= brought
    if not idle:
        return Idle(group.text)
    text = without_extras(group.text, idle).text
    gone = gone & {*group.price.distributions} - environment.closure([text])
    return Idle(text, frozenset(idle), _price(question, gone), _evidence(idle, gone))


def _price(question: Question, names: set[str]) -> Price:
    content, disk = question.environment.bytes_of(names)
    return Price(own_content_bytes=content, own_disk_bytes=disk, distributions=tuple(sorted(names)))


def _evidence(idle: set[str], gone: set[str]) -> Evidence:
    some = sorted(gone)[:5]
    more = f" and {len(gone) - 5} more" if len(gone) > 5 else ""
    text = f"[{','.join(sorted(idle))}] brings only {', '.join(some)}{more}"
    return Evidence(kind="dependency", text=text if gone else "others bring what its extra brings")
