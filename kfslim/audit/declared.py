"""The declared requirements of a step, with what is said twice put together."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kfslim.audit.graph import Environment
from kfslim.audit.model import Price
from kfslim.steps.requirements import RequirementLine, parse_requirement


class Group(NamedTuple):
    """The lines that declare one distribution under one marker.

    ``text`` says what they come to: the line itself where there is one, else extras united and
    specifiers joined.  ``price`` is that of ``text`` among all groups.
    """

    name: str
    lines: tuple[RequirementLine, ...]
    text: str
    price: Price


def grouped(lines: Iterable[RequirementLine], environment: Environment) -> list[Group]:
    """Return the groups of ``lines`` in the order of their first ones.

    Raises:
        BadRequirement: a line is no requirement by name.
    """
    together: dict[tuple[str, str], list[RequirementLine]] = {}
    for line in lines:
        requirement = parse_requirement(line)
        key = str(canonicalize_name(requirement.name)), str(requirement.marker or "")
        together.setdefault(key, []).append(line)
    texts = [_united(group) for group in together.values()]
    prices = environment.prices(texts)
    return [
        Group(name, tuple(group), text, price)
        for ((name, _), group), text, price in zip(together.items(), texts, prices, strict=True)
    ]


def _united(lines: list[RequirementLine]) -> str:
    whole = Requirement(lines[0].text)
    if same(line.text for line in lines):
        return lines[0].text.strip()
    for line in lines[1:]:
        other = Requirement(line.text)
        whole.extras |= other.extras
        whole.specifier &= other.specifier
    return str(whole)


def same(texts: Iterable[str]) -> bool:
    """Tell whether requirements say the same, however they are written."""
    return len({_normal(text) for text in texts}) == 1


def _normal(text: str) -> str:
    requirement = Requirement(text)
    requirement.name = canonicalize_name(requirement.name)
    return str(requirement)


def declared_names(lines: Iterable[RequirementLine]) -> frozenset[str]:
    """Return the normalised names that ``lines`` declare."""
    heads = (re.match(r"[\w.-]+", line.text.strip()) for line in lines)
    return frozenset(str(canonicalize_name(head[0])) for head in heads if head)
