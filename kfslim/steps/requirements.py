"""Requirements: PEP 508 lines with the place they come from, and merging them.

``feast``, ``feast[redis]`` and ``feast[postgres]`` become ``feast[postgres,redis]``: extras are
united, specifiers joined, and lines with different markers kept apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from kfslim.errors import BadRequirement


@dataclass(frozen=True, slots=True)
class RequirementLine:
    """One requirement as written, and where: ``requirements.txt:3``."""

    text: str
    where: str = ""

    @property
    def place(self) -> str:
        """The place as a prefix of a message; empty where there is none."""
        return f"{self.where}: " if self.where else ""


def parse_requirement(line: RequirementLine) -> Requirement:
    """Parse one line.

    Raises:
        BadRequirement: it is no PEP 508 requirement by name; URLs and paths are refused because
            a lock names every file by index, version and hash.
    """
    try:
        requirement = Requirement(line.text)
    except InvalidRequirement as error:
        what = "a file or URL" if "/" in line.text.split(";")[0] else repr(line.text)
        raise BadRequirement(
            f"{line.place}{what} is not a requirement by name",
            hint="Write it as NAME, NAME[extra] or NAME==VERSION from an index.",
        ) from error
    if requirement.url:
        raise BadRequirement(
            f"{line.place}{requirement.name} is taken from a URL",
            hint=f"Name a version of {requirement.name} that an index serves.",
        )
    return requirement


def merge_requirements(lines: Iterable[RequirementLine]) -> tuple[str, ...]:
    """Merge duplicates; the result is sorted by normalised name, then marker.

    Raises:
        BadRequirement: a malformed line, or two ``==`` pins of one name that differ (under the
            same marker, or where one has none).
    """
    merged: dict[tuple[str, str], Requirement] = {}
    pins: dict[str, list[tuple[str, str, RequirementLine]]] = {}
    for line in lines:
        requirement = parse_requirement(line)
        name, marker = canonicalize_name(requirement.name), str(requirement.marker or "")
        _check_pins(pins.setdefault(name, []), requirement, marker, line)
        if (known := merged.get((name, marker))) is None:
            requirement.name = name
            merged[name, marker] = requirement
        else:
            known.extras |= requirement.extras
            known.specifier &= requirement.specifier
    return tuple(str(merged[key]) for key in sorted(merged))


def _check_pins(
    known: list[tuple[str, str, RequirementLine]],
    requirement: Requirement,
    marker: str,
    line: RequirementLine,
) -> None:
    pin = exact_version(requirement.specifier)
    if not pin:
        return
    for other_pin, other_marker, other in known:
        together = marker == other_marker or not marker or not other_marker
        if together and not requirement.specifier.contains(other_pin, prereleases=True):
            raise BadRequirement(
                f"{other.place}{other.text!r} and {line.place}{line.text!r} cannot both hold",
                hint="Keep one of the two pins.",
            )
    known.append((pin, marker, line))


def exact_version(specifier: SpecifierSet) -> str:
    """Return the version that ``==`` or ``===`` pins; empty where nothing is pinned exactly."""
    for one in specifier:
        if one.operator in ("==", "===") and not one.version.endswith(".*"):
            return one.version
    return ""
