"""Who requires whom among distributions that are there, by METADATA, markers and extras."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

Node = tuple[str, str]  # normalised name and extra; "" is the distribution itself
_EXTRA = re.compile(r"""extra\s*(?:==|in)\s*["']|["']\s*(?:==|in)\s*extra""")


class Requires:
    """The Requires-Dist ``lines`` of distributions by normalised name, judged in ``environment``.

    ``environment`` are PEP 508's variables.  Lines are parsed and judged when they are asked for.
    """

    def __init__(self, lines: Mapping[str, Sequence[str]], environment: Mapping[str, str]) -> None:
        self._lines = lines
        self._environment = dict(environment)
        self._parsed: dict[str, Requirement | None] = {}
        self._edges: dict[Node, set[Node]] = {}

    def lines(self, name: str) -> list[Requirement]:
        """Return all requirements of ``name`` that can be read; pip passes over others, too."""
        return [r for line in self._lines[name] if (r := self._parse(line)) is not None]

    def of(self, name: str, extra: str = "") -> set[Node]:
        """Return what ``name[extra]`` requires directly of what is there."""
        if (known := self._edges.get((name, extra))) is not None:
            return known
        needed: set[Node] = set()
        for line in self._lines[name]:
            # most lines are for extras: they are not even parsed for the distribution itself
            if bool(extra) is bool(_EXTRA.search(line)) or " or " in line:
                needed |= self._edges_of(self._parse(line), extra)
        self._edges[name, extra] = needed  # judging markers is slow, and asked for again and again
        return needed

    def closure(self, nodes: Iterable[Node]) -> set[Node]:
        """Return ``nodes`` that are there, and all that they require."""
        waiting = [node for node in nodes if node[0] in self._lines]
        seen = set(waiting)
        while waiting:
            new = self.of(*waiting.pop()) - seen
            seen |= new
            waiting += new
        return seen

    def requirers(self, name: str) -> set[str]:
        """Return who requires ``name`` directly, without any extra."""
        return {one for one in self._lines if name in {n for n, _ in self.of(one)}}

    def applies(self, marker: Marker | None, extra: str = "") -> bool:
        """Tell whether a requirement with ``marker`` is one of ``extra`` (or of none)."""
        if marker is None:
            return not extra  # without a marker it was taken with the distribution itself
        try:
            return bool(marker.evaluate({**self._environment, "extra": extra}))
        except (UndefinedComparison, UndefinedEnvironmentName):
            return True  # what cannot be judged is kept

    def _edges_of(self, requirement: Requirement | None, extra: str) -> set[Node]:
        if requirement is None or not self.applies(requirement.marker, extra):
            return set()
        target = str(canonicalize_name(requirement.name))
        return nodes_of(requirement) if target in self._lines else set()

    def _parse(self, line: str) -> Requirement | None:
        if line not in self._parsed:
            try:
                self._parsed[line] = Requirement(line)
            except InvalidRequirement:
                self._parsed[line] = None
        return self._parsed[line]


def nodes_of(requirement: Requirement) -> set[Node]:
    """Return what a requirement asks for: the distribution, and each extra."""
    name = str(canonicalize_name(requirement.name))
    return {(name, ""), *((name, str(canonicalize_name(e))) for e in requirement.extras)}
