"""Dependency groups of a pyproject.toml (PEP 735)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from packaging.utils import canonicalize_name

from kfslim.errors import BadConfig
from kfslim.steps.requirements import RequirementLine, parse_requirement


def read_group(groups: Mapping[str, Any], name: str, where: str) -> tuple[RequirementLine, ...]:
    """Return the requirements of group ``name`` with its includes, in order.

    ``groups`` is the ``[dependency-groups]`` table; ``where`` is its file, for messages.

    Raises:
        BadConfig: no such group, two of one normalised name, a cycle, or an entry of another kind.
        BadRequirement: an entry that is no requirement.
    """
    by_name: dict[str, Any] = {}
    for written, entries in groups.items():
        if canonicalize_name(written) in by_name:
            raise BadConfig(f"{where}: the dependency group {written!r} is there twice")
        by_name[canonicalize_name(written)] = entries
    return tuple(_entries(by_name, name, where, ()))


def _entries(
    groups: Mapping[str, Any], name: str, where: str, seen: tuple[str, ...]
) -> Iterator[RequirementLine]:
    key = canonicalize_name(name)
    if key in seen:
        raise BadConfig(f"{where}: the dependency group {name!r} includes itself")
    entries = groups.get(key)
    if not isinstance(entries, list):
        known = ", ".join(sorted(groups)) or "none"
        raise BadConfig(f"{where}: there is no dependency group {name!r}; there are: {known}")
    for entry in entries:
        if isinstance(entry, str):
            line = RequirementLine(entry, f"{where}: dependency-groups.{name}")
            parse_requirement(line)
            yield line
        elif isinstance(entry, dict) and list(entry) == ["include-group"]:
            yield from _entries(groups, str(entry["include-group"]), where, (*seen, key))
        else:
            raise BadConfig(f"{where}: the dependency group {name!r} holds {entry!r}")
