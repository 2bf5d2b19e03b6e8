"""The distributions found in an image, and who of them needs whom."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import NamedTuple

from packaging.utils import canonicalize_name

from kfslim.measure.direct import marker_environment
from kfslim.measure.model import DistributionMeasure, Measurement
from kfslim.steps.requires import Requires

INSTALLERS = frozenset({"pip", "setuptools", "wheel"})  # a Python image brings them; no step does
# Extras that serve a project's own developers, or only repeat all others.
_DEV_EXTRAS = {
    "all", "bench", "benchmark", "benchmarks", "build", "building", "check", "ci", "cov", "cover",
    "coverage", "dev", "develop", "development", "doc", "docs", "document", "documentation",
    "enabler",
    "example", "examples", "install", "lint", "linting", "maintenance", "mypy", "precommit",
    "release", "style", "test", "testing", "tests", "tutorials", "type", "types", "typing",
}  # fmt: skip
_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")


class Conflict(NamedTuple):
    """``name`` at ``version`` requires ``target`` within ``specifier``, and there is another."""

    name: str
    version: str
    target: str
    specifier: str


class Found:
    """The distributions that an image's Python sees; names are normalised (PEP 503)."""

    def __init__(self, image: Measurement, python: str) -> None:
        self.by_name = _visible(image)
        architecture = image.platform.split("/")[1] if "/" in image.platform else "amd64"
        lines = {name: found.requires for name, found in self.by_name.items()}
        self._requires = Requires(lines, marker_environment(python, architecture))

    @cached_property
    def _owners(self) -> dict[str, set[str]]:
        owners: dict[str, set[str]] = {}
        for name, found in self.by_name.items():
            for module in found.imports:
                owners.setdefault(module.partition(".")[0], set()).add(name)
        return owners

    def version(self, name: str) -> str:
        """Return the version found of ``name``; empty where it is not there."""
        found = self.by_name.get(canonicalize_name(name))
        return found.version if found else ""

    def owners(self, module: str) -> set[str]:
        """Return who owns the top-level part of ``module``: several share a namespace package."""
        return self._owners.get(module.partition(".")[0], set())

    def named(self, word: str) -> set[str]:
        """Return the distributions that a word means: by an import name, or by their own."""
        own = canonicalize_name(word)
        return self._owners.get(word, set()) | ({own} & self.by_name.keys())

    def closure(self, roots: Iterable[str]) -> set[str]:
        """Return ``roots`` and everything found that they require, by METADATA and markers."""
        return {name for name, _ in self._requires.closure((root, "") for root in roots)}

    def requirers(self, name: str) -> set[str]:
        """Return who requires ``name`` directly."""
        return self._requires.requirers(name)

    def contradictions(self, names: Iterable[str], versions: Mapping[str, str]) -> list[Conflict]:
        """Return what members of ``names`` require of others that ``versions`` do not fulfil.

        A member whose own version is another one there is passed over: its METADATA is not known.
        """
        found: list[Conflict] = []
        for name in sorted(set(names) & self.by_name.keys()):
            if versions.get(name, self.version(name)) == self.version(name):
                found += self._unfulfilled(name, versions)
        return found

    def _unfulfilled(self, name: str, versions: Mapping[str, str]) -> Iterable[Conflict]:
        for requirement in self._requires.lines(name):
            target = canonicalize_name(requirement.name)
            version = versions.get(target, "")
            wanted = requirement.specifier
            applies = version and self._requires.applies(requirement.marker)
            if applies and not wanted.contains(version, prereleases=True):
                yield Conflict(name, self.version(name), target, str(wanted))

    def extras(self, names: Iterable[str], target: str) -> set[str]:
        """Return the extras of ``target`` that members of ``names`` require."""
        needed = [self._requires.of(name) for name in names if name in self.by_name]
        return {extra for edges in needed for name, extra in edges if name == target and extra}

    def company(self, roots: Iterable[str]) -> set[str]:
        """Return the closure of ``roots`` with all that may serve it unasked.

        That is what an optional extra of a member names, and what registers entry points in a
        member's name (``fsspec.specs``, ``sqlalchemy.dialects``), until nothing is added.
        """
        kept: set[str] = set()
        more = self.closure(roots)
        while more - kept:
            kept |= more
            optional = {name for member in kept for name in self._optional(member)}
            more = self.closure(kept | optional | self._plugins(kept))
        return kept

    def direct(self, kept: set[str]) -> list[str]:
        """Return the members of ``kept`` that together require all of it, sorted."""
        required = {name for member in kept for name in self.closure([member]) - {member}}
        chosen: list[str] = []
        covered: set[str] = set()
        for name in [*sorted(kept - required), *sorted(kept & required)]:  # the latter: in cycles
            if name not in covered:
                chosen.append(name)
                covered |= self.closure([name])
        return sorted(chosen)

    def _optional(self, name: str) -> set[str]:
        found: set[str] = set()
        for requirement in self._requires.lines(name):
            target = canonicalize_name(requirement.name)
            extras = filter(is_for_users, _EXTRA.findall(str(requirement.marker or "")))
            if target in self.by_name and any(
                self._requires.applies(requirement.marker, extra) for extra in extras
            ):
                found.add(target)
        return found

    def _plugins(self, kept: set[str]) -> set[str]:
        modules = {module for name in kept for module in self.by_name[name].imports}
        return {
            name
            for name, found in self.by_name.items()
            for point in found.entry_points
            if _group_owner(point, modules)
        }


def is_for_users(extra: str) -> bool:
    """Tell an extra that serves who uses a distribution from one for its own developers."""
    return canonicalize_name(extra).partition("-")[0] not in _DEV_EXTRAS  # also tests-mypy


def _group_owner(entry_point: str, modules: set[str]) -> bool:
    """True where the group of ``group:name`` begins with one of ``modules``."""
    group = entry_point.partition(":")[0].replace("-", "_")
    if group in ("console_scripts", "gui_scripts"):
        return False
    head = group.partition(".")[0]
    return head in modules or any(head.startswith(f"{module}_") for module in modules)


def _visible(image: Measurement) -> dict[str, DistributionMeasure]:
    """Return what the image's Python imports: by name, the earliest site directory first."""
    order = {
        path: place for place, path in enumerate(image.python.site_dirs if image.python else ())
    }
    found: dict[str, DistributionMeasure] = {}
    for one in sorted(image.distributions, key=lambda d: order.get(d.site_dir, len(order))):
        if not order or not one.site_dir or one.site_dir in order:
            found.setdefault(canonicalize_name(one.name), one)
    return found
