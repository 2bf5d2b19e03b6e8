"""Does what is installed fit together?  METADATA's requirements, the plan, and RECORD.

The image tells what is installed (``trial.probe``); it is judged here, since an image need not
hold ``packaging``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from kfslim.plan.model import ImagePlan
from kfslim.trial.model import Failure


class Installed(NamedTuple):
    """A distribution as its METADATA describes it; ``name`` is normalised (PEP 503).

    ``problems`` are files that are not as RECORD lists them, each with what is wrong.
    """

    name: str
    version: str
    requires: tuple[str, ...] = ()
    problems: tuple[tuple[str, str], ...] = ()


class _Asked(NamedTuple):
    requirement: Requirement
    by: str


def installed_from(listed: Any) -> dict[str, Installed]:
    """Return what the probe listed, by name; what is not shaped like its answer is passed over."""
    found: dict[str, Installed] = {}
    for one in listed if isinstance(listed, list) else ():
        try:
            problems = tuple((str(path), str(what)) for path, what in one["problems"])
            entry = Installed(one["name"], one["version"], tuple(one["requires"]), problems)
        except (KeyError, TypeError, ValueError):
            continue
        found.setdefault(canonicalize_name(str(entry.name)), entry)
    return found


def inconsistencies(
    installed: Mapping[str, Installed],
    markers: Mapping[str, str],
    plan: ImagePlan | None = None,
    dropped: Collection[str] = (),
) -> tuple[Failure, ...]:
    """Return what does not fit.

    Judged are the distributions of ``plan`` (without one: all), and what it asks for by name; those
    of a foreign base are that base's affair.  ``markers`` are the values of PEP 508's markers in
    the image.  ``dropped`` are names that the plan goes without on purpose: nobody misses them.
    """
    excused = {canonicalize_name(name) for name in dropped}
    judged = set(installed) if plan is None else {d.name for d in plan.lock.distributions}
    if plan and plan.runtime:
        judged -= {plan.runtime.name}  # the executor's modules run without kfp's dependencies
    asked = plan.lock.requirements if plan else ()
    return (
        *_unlike_plan(installed, plan),
        *_unmet(installed, markers, judged, asked, excused),
        *_damaged(installed),
    )


def _unlike_plan(installed: Mapping[str, Installed], plan: ImagePlan | None) -> Iterator[Failure]:
    locked = [*plan.lock.distributions, *filter(None, [plan.runtime])] if plan else []
    for one in locked:
        found = installed.get(one.name)
        if found is None:
            text = f"the plan has {one.name} {one.version}, but the image does not"
        elif not _same(found.version, one.version):
            text = f"the plan has {one.name} {one.version}, but the image has {found.version}"
        else:
            continue
        yield Failure(text=text, distributions=(one.name,))


def _unmet(
    installed: Mapping[str, Installed],
    markers: Mapping[str, str],
    judged: Collection[str],
    asked: Collection[str],
    excused: Collection[str],
) -> Iterator[Failure]:
    """Follow requirements, extras included; a distribution nobody asks for is judged too."""
    waiting = [_Asked(r, "the step") for text in asked if (r := _parsed(text))]
    waiting += [_Asked(Requirement(name), "") for name in sorted(judged)]
    done: set[tuple[str, str]] = set()
    told: set[tuple[str, str]] = set()
    while waiting:
        requirement, by = waiting.pop(0)
        name = canonicalize_name(requirement.name)
        if not _applies(requirement, markers, ""):
            continue
        failure = _judge(requirement, by, installed.get(name), excused)
        if failure and (name, by) not in told:
            told.add((name, by))
            yield failure
        for extra in ("", *sorted(requirement.extras)):
            if name in judged and name in installed and (name, extra) not in done:
                done.add((name, extra))
                waiting += _requirements(installed[name], markers, extra)


def _judge(
    requirement: Requirement, by: str, found: Installed | None, excused: Collection[str]
) -> Failure | None:
    name = canonicalize_name(requirement.name)
    if not by or (found is None and name in excused):
        return None
    if found is None:
        text = f"{by} requires {_shown(requirement)}, which is not installed"
    elif not _fits(requirement, found.version):
        text = f"{by} requires {_shown(requirement)}, but {found.version} is installed"
    else:
        return None
    return Failure(text=text, distributions=(name,))


def _requirements(one: Installed, markers: Mapping[str, str], extra: str) -> Iterator[_Asked]:
    """Yield what a distribution requires because of ``extra`` ("": in any case)."""
    for text in one.requires:
        requirement = _parsed(text)
        if requirement is None:
            continue
        plainly = _applies(requirement, markers, "")
        if plainly if not extra else (_applies(requirement, markers, extra) and not plainly):
            requirement.marker = None
            yield _Asked(requirement, f"{one.name} {one.version}")


def _applies(requirement: Requirement, markers: Mapping[str, str], extra: str) -> bool:
    try:
        return not requirement.marker or requirement.marker.evaluate({**markers, "extra": extra})
    except (UndefinedComparison, UndefinedEnvironmentName):  # such as releases of kernels
        return False


def _fits(requirement: Requirement, version: str) -> bool:
    try:
        return requirement.specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:  # nobody can say; installers took it
        return True


def _same(one: str, other: str) -> bool:
    try:
        return one == other or Version(one) == Version(other)  # 2024.1 is 2024.01.0
    except InvalidVersion:
        return False


def _parsed(text: str) -> Requirement | None:
    try:
        return Requirement(text)
    except InvalidRequirement:  # of old distributions; installers pass over them too
        return None


def _shown(requirement: Requirement) -> str:
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return f"{requirement.name}{extras}{requirement.specifier}"


def _damaged(installed: Mapping[str, Installed]) -> Iterator[Failure]:
    for one in installed.values():
        if one.problems:
            path, what = one.problems[0]
            more = f" (and {len(one.problems) - 1} more)" if len(one.problems) > 1 else ""
            yield Failure(
                text=f"{one.name} {one.version}: {path}: {what}{more}",
                distributions=(one.name,),
                files=tuple(path for path, _ in one.problems),
            )
