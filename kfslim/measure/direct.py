"""Which distributions somebody asked for, told from what merely came along."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from packaging.markers import InvalidMarker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from kfslim.measure.model import DistributionMeasure

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64", "386": "i686", "arm": "armv7l"}
_MARKER_ERRORS = (
    InvalidMarker,
    UndefinedComparison,
    UndefinedEnvironmentName,
    ValueError,
    KeyError,
)


def marker_environment(python: str, architecture: str = "amd64") -> dict[str, str]:
    """Return PEP 508's variables for CPython ``python`` ("3.11.2") on Linux."""
    minor = ".".join(python.split(".")[:2])
    full = python if python.count(".") >= 2 else f"{minor}.0"
    return {
        "implementation_name": "cpython",
        "implementation_version": full,
        "os_name": "posix",
        "platform_machine": _MACHINES.get(architecture, architecture),
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": full,
        "python_version": minor,
        "sys_platform": "linux",
        "extra": "",
    }


def mark_direct(
    distributions: Sequence[DistributionMeasure],
    environment: Mapping[str, str],
    search_path: Collection[str] = (),
) -> tuple[DistributionMeasure, ...]:
    """Return the distributions with ``direct`` set, in the order given.

    Those in the folders of ``search_path`` see each other; those in any other folder (a second
    virtual environment) see only their neighbours.

    One is direct when no other requires it here: markers hold in ``environment``, and an extra
    counts only when some requirement asks for it.  Of distributions that require each other in a
    circle, the first by name is direct, so that everything can be reached from a direct one.
    """

    def group(d: DistributionMeasure) -> str:
        return "" if d.site_dir in search_path else d.site_dir

    groups: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    for d in distributions:
        groups[group(d)][d.name] = d.requires
    direct = {folder: _direct(requires, environment) for folder, requires in groups.items()}
    return tuple(d.model_copy(update={"direct": d.name in direct[group(d)]}) for d in distributions)


def _direct(requires: Mapping[str, Sequence[str]], environment: Mapping[str, str]) -> set[str]:
    """Return the names that no other requires, and one of every circle nothing else reaches."""
    edges = requirement_edges(requires, environment)
    required = {name for owner, names in edges.items() for name in names - {owner}}
    roots = edges.keys() - required
    reached = _closure(roots, edges)
    for name in sorted(required & edges.keys()):
        if name not in reached:
            roots.add(name)
            reached |= _closure({name}, edges)
    return roots


def _closure(start: Iterable[str], edges: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = list(start)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(edges.get(name, ()))
    return seen


def requirement_edges(
    requires: Mapping[str, Sequence[str]], environment: Mapping[str, str]
) -> dict[str, set[str]]:
    """Return by distribution the names of those it requires, extras followed to a fixed point."""
    edges: dict[str, set[str]] = {name: set() for name in requires}
    extras: dict[str, set[str]] = defaultdict(set)
    waiting = list(requires)
    while waiting:
        owner = waiting.pop()
        for requirement in _applying(requires[owner], extras[owner], environment):
            name = str(canonicalize_name(requirement.name))
            edges[owner].add(name)
            if not requirement.extras <= extras[name]:
                extras[name] |= requirement.extras
                waiting += [name] if name in requires else []
    return edges


def _applying(
    lines: Sequence[str], extras: set[str], environment: Mapping[str, str]
) -> list[Requirement]:
    """Return the requirements that apply, for no extra and for each of ``extras``."""
    # most lines are of extras that nobody asked for: do not even parse those
    applying = []
    for line in lines if extras else (ln for ln in lines if not _needs_extra(ln)):
        try:
            requirement = Requirement(line)
            if _holds(requirement, ("", *extras), environment):
                applying.append(requirement)
        except (InvalidRequirement, *_MARKER_ERRORS):
            continue  # written before PEP 508: pip ignores what it cannot read, too
    return applying


def _needs_extra(line: str) -> bool:
    marker = line.partition(";")[2]
    return "extra" in marker and " or " not in marker


def _holds(requirement: Requirement, extras: Sequence[str], environment: Mapping[str, str]) -> bool:
    marker = requirement.marker
    if marker is None:
        return True
    return any(marker.evaluate({**environment, "extra": extra}) for extra in extras)
