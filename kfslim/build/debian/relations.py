"""Relations between packages: Depends, Provides, Conflicts (Debian Policy chapter 7)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from kfslim.build.debian.version import satisfies

_RELATION = re.compile(
    r"\s*(?P<name>[a-z0-9][a-z0-9+.\-]*)(?::[\w-]+)?\s*"
    r"(?:\(\s*(?P<operator><<|<=|=|>=|>>|<|>)\s*(?P<version>[^)\s]+)\s*\))?"
)


@dataclass(frozen=True, slots=True)
class Relation:
    """A package name, perhaps with a condition on its version."""

    name: str
    operator: str = ""
    version: str = ""

    def accepts(self, version: str) -> bool:
        """True when the real package at ``version`` fulfils this."""
        return satisfies(version, self.operator, self.version)

    def accepts_provided(self, version: str) -> bool:
        """True when a virtual package does; an unversioned one fulfils no version (Policy 7.5)."""
        return not self.operator or (bool(version) and self.accepts(version))

    def __str__(self) -> str:
        return f"{self.name} ({self.operator} {self.version})" if self.operator else self.name


Group = tuple[Relation, ...]


@lru_cache(maxsize=4096)
def parse_relations(field: str) -> tuple[Group, ...]:
    """Parse ``a (>= 1) | b, c:any`` into groups of alternatives.

    Architecture qualifiers are dropped: one architecture is looked at only.
    """
    groups = []
    for part in field.replace("\n", " ").split(","):
        group = tuple(
            Relation(match["name"], match["operator"] or "", match["version"] or "")
            for alternative in part.split("|")
            if (match := _RELATION.match(alternative))
        )
        if group:
            groups.append(group)
    return tuple(groups)
