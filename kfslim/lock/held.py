"""What uv's log tells of a resolution that succeeded: which versions it gave up, and for what.

Asked for wheels only, uv goes back to an older version of a package rather than take an sdist that
the newest one needs.  That is no failure to uv, so only its log tells.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

# For RUST_LOG (uv docs, "Environment variables"): the steps of the resolver and nothing else.
FILTER = "uv_resolver::resolver=debug"

_NAME = r"([A-Za-z0-9][A-Za-z0-9._-]*)"
_LOGGED = re.compile(r"^(?:TRACE|DEBUG|INFO|WARN) .*\n?", re.MULTILINE)
_STEP = re.compile(
    r"^DEBUG ((?:Searching for|Selecting:|Adding trans|Recording|No compat).*)", re.M
)
_SEARCH = re.compile(rf"Searching for a compatible version of {_NAME}.* \((.*)\)$")
_SELECT = re.compile(rf"Selecting: {_NAME}==(\S+)")
_NEED = re.compile(
    rf"Adding transitive dependency for {_NAME}==(\S+): {_NAME}(?:\[.*?\]|{{.*?}})*(.*)"
)
_LOST = re.compile(rf"The package `{_NAME}==\S+` does not have an extra named")


class Held(NamedTuple):
    """``name`` is older than ``version``, or gone, and ``version`` has a need nobody answers."""

    name: str
    version: str
    need: str  # name of the package that had no candidate
    requirement: str  # PEP 508: what was asked of it
    first: bool  # uv's first choice of ``name``, so the newest that fits


class _Need(NamedTuple):
    name: str
    version: str
    need: str
    wanted: str  # a range, as uv writes it


def without_log(stderr: str) -> str:
    """Return what uv says to its user."""
    return _LOGGED.sub("", stderr)


def lost_extras(stderr: str) -> set[str]:
    """Return the packages that were chosen in a version without an extra that was asked for."""
    return set(_LOST.findall(stderr))


def held_back(log: str, versions: Mapping[str, str], missing: Container[str]) -> list[Held]:
    """Return the needs of newer versions than ``versions`` (name → version) that are ``missing``;
    also by way of packages that are not in ``versions`` at all.

    What older versions need is of no interest: uv only looked whether they help.
    """
    steps = _STEP.findall(log)
    first: dict[str, str] = {}
    for match in filter(None, map(_SELECT.match, steps)):
        first.setdefault(match[1], match[2])
    found = (
        Held(name, version, need, _requirement(need, wanted), first.get(name) == version)
        for name, version, need, wanted in _newer(_needs(steps), versions)
        if need in missing
    )
    return list(dict.fromkeys(found))


def _needs(steps: Iterable[str]) -> Iterator[_Need]:
    for match in filter(None, map(_NEED.match, steps)):
        yield _Need(match[1], match[2], match[3], match[4].strip())


def _newer(needs: Iterable[_Need], versions: Mapping[str, str]) -> Iterator[_Need]:
    """Yield the needs of newer versions, and those of what only these brought in."""
    by_name: dict[str, list[_Need]] = {}
    for one in needs:
        by_name.setdefault(one.name, []).append(one)
    waiting = [
        one
        for name, version in versions.items()
        for one in by_name.get(name, ())
        if Version(one.version) > Version(version)
    ]
    seen: set[str] = set()
    for one in waiting:  # grows
        yield one
        if one.need not in versions and one.need not in seen:
            seen.add(one.need)
            waiting += by_name.get(one.need, ())


def unanswered(log: str) -> list[tuple[str, str]]:
    """Return name and requirement (PEP 508) of every search of uv that gave no candidate.

    A search that goes on with another range of the same package is the same search.
    """
    found: list[tuple[str, str]] = []
    begun: re.Match[str] | None = None
    for step, following in pairwise([*_STEP.findall(log), ""]):
        search = _SEARCH.match(step)
        if not search:
            continue
        if not begun or begun[1] != search[1]:
            begun = search
        answer = _SELECT.match(following) or _SEARCH.match(following)
        if answer and answer[1] == search[1]:
            begun = begun if _SEARCH.match(following) else None
            continue
        found.append((begun[1], _requirement(begun[1], begun[2])))
        begun = None
    return list(dict.fromkeys(found))


def _requirement(name: str, wanted: str) -> str:
    """uv writes ``*`` for any version, and ``1.0+`` for what comes after every local 1.0.  PEP 440
    has no words for a range with holes (``|``): its newest part, which uv tries first, stands for
    it.
    """
    newest = wanted.rpartition("|")[2].strip().removeprefix("*")
    closed = re.sub(r"<([^\s,<>=+]+)\+", r"<=\1", newest)
    try:
        return name + str(SpecifierSet(re.sub(r">=([^\s,<>=+]+)\+", r">\1", closed)))
    except InvalidSpecifier:
        return name
