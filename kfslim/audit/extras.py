"""Extras of a kept requirement that nothing uses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kfslim.audit.declared import Group
from kfslim.audit.doubts import doubts
from kfslim.audit.model import Evidence, Price
from kfslim.audit.question import Question
from kfslim.audit.reasons import Reasons


class Idle(NamedTuple):
    """The extras of a group that go: each with what only it brings.  ``text`` stays."""

    text: str
    extras: Mapping[str, frozenset[str]] = MappingProxyType({})


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
    environment, wanted = question.environment, frozenset(found.wanted())
    bare = environment.closure([group.name])
    idle: dict[str, frozenset[str]] = {}
    for extra in Requirement(group.text).extras:
        brought = environment.closure([f"{group.name}[{extra}]"]) - bare
        doubted = any(doubts(question, found, used, name) for name in brought - wanted)
        if brought and not brought & wanted and not doubted:
            idle[str(canonicalize_name(extra))] = brought
    text = without_extras(group.text, idle).text
    saved = {*group.price.distributions} - environment.closure([text])
    return Idle(text, {extra: brought & saved for extra, brought in idle.items()})


def saving(question: Question, idle: Idle, line: str) -> tuple[Price, Evidence]:
    """Return what the idle extras of ``line`` weigh, and say what they bring."""
    extras = {str(canonicalize_name(extra)) for extra in Requirement(line).extras}
    extras &= idle.extras.keys()
    names = sorted(frozenset[str]().union(*(idle.extras[extra] for extra in extras)))
    content, disk = question.environment.bytes_of(names)
    price = Price(own_content_bytes=content, own_disk_bytes=disk, distributions=tuple(names))
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    text = f"[{','.join(sorted(extras))}] brings only {', '.join(names[:5])}{more}"
    return price, Evidence(
        kind="dependency", text=text if names else "others bring what its extra brings"
    )
