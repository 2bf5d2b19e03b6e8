"""Step + config + old image → what the step's new image must hold, or why it is left alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from kfslim.measure.model import Measurement
from kfslim.steps.choose import (
    Case,
    LeaveAlone,
    choose_base,
    choose_kfp,
    choose_python,
    own_image,
    read_guess,
)
from kfslim.steps.config import Config
from kfslim.steps.declared import declared_lines
from kfslim.steps.found import Found
from kfslim.steps.model import KfpMode, LeftAlone, Needs, Origin, Step
from kfslim.steps.narrow import check_unread, needed_of_image
from kfslim.steps.requirements import (
    RequirementLine,
    exact_version,
    merge_requirements,
    parse_requirement,
)
from kfslim.steps.source import read_source


def needs(
    step: Step,
    config: Config,
    old: Measurement | None,
    *,
    base: str | None = None,
    python: str | None = None,
) -> Needs | LeftAlone:
    """Decide what one step needs.

    ``old`` is the measurement of the step's image, None where it could not be read.  ``base`` and
    ``python`` (``3.11``) come from the command line and win over the config.

    Raises:
        BadRequirement: a requirement that is malformed, or two pins that contradict each other.
    """
    try:
        return _needs(step, config, old, base, python)
    except LeaveAlone as reason:
        name = config.for_step(step.name).name
        return LeftAlone(step=name, image=step.image, reason=str(reason))


def _needs(
    step: Step, config: Config, old: Measurement | None, base: str | None, python: str | None
) -> Needs:
    case = _open(step, config, old)
    minor = choose_python(case, python)
    chosen = choose_base(case, minor, base)
    lines = declared_lines(step, case.settings)
    claimed = [parse_requirement(line) for line in lines]
    names: set[str] = {canonicalize_name(requirement.name) for requirement in claimed}
    found = Found(old, minor) if old else None
    own_base = chosen == own_image(step)
    mode, version = choose_kfp(case, own_base, claimed, found)
    kept = set() if own_base else _from_image(case, config, found, names)
    if "kfp" in kept or (own_base and mode == "runtime" and found and found.requirers("kfp")):
        mode = "full"  # the executor's modules alone would hide what others use of kfp
    asked = list(lines)
    if mode == "full" and "kfp" not in names:
        asked.append(RequirementLine(f"kfp=={version}", f"the SDK of step {step.name}"))
    requirements = merge_requirements([*asked, *_image_lines(case, found, kept - {"kfp"})])
    return Needs(
        step=case.settings.name,
        python=minor,
        base=chosen,
        requirements=requirements,
        origin=_origin(case),
        installed=merge_requirements(lines),
        constraints=_constraints(found, merge_requirements(asked), mode),
        indexes=_indexes(case, config),
        sources=_sources(case, claimed),
        kfp=mode,
        kfp_version=version,
        os_packages=case.settings.os_packages,
        projects=case.settings.projects,
        notes=tuple(case.notes),
    )


def _open(step: Step, config: Config, old: Measurement | None) -> Case:
    settings = config.for_step(step.name)
    if step.left_alone:
        raise LeaveAlone(step.left_alone)
    if settings.skip:
        raise LeaveAlone("the config says skip")
    if step.kind != "lightweight" and not settings.requirements:
        raise LeaveAlone(
            "it runs a command of its own, so what it needs is not known; "
            f"name it in steps.{step.name}.requirements"
        )
    return Case(step, settings, old, read_guess(step), read_source(step.source))


def _origin(case: Case) -> Origin:
    if case.step.declared.packages:
        return "declared"
    return "config" if case.settings.requirements or not case.old else "image"


def _from_image(case: Case, config: Config, found: Found | None, claimed: set[str]) -> set[str]:
    """Return the distributions that the step needs of its old image beyond what it claims."""
    if found is None:
        check_unread(case, config, claimed)
        return set()
    return needed_of_image(case, config, found, claimed)


def _image_lines(case: Case, found: Found | None, kept: set[str]) -> list[RequirementLine]:
    """Require the direct ones of ``kept`` at the versions found."""
    where = f"the image of step {case.step.name}"
    direct = found.direct(kept) if found else []
    return [RequirementLine(f"{name}=={found.version(name)}", where) for name in direct if found]


def _constraints(
    found: Found | None, requirements: Sequence[str], mode: KfpMode
) -> tuple[str, ...]:
    """Pin every version found, so that nothing changes silently.

    Not pinned are names that the step pins itself, or asks for in a version that the image does
    not have: there the run-time install replaced what the image had.
    """
    asked: dict[str, list[Requirement]] = {}
    for requirement in map(Requirement, requirements):
        asked.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    pins = []
    for name, distribution in sorted(found.by_name.items() if found else ()):
        if name == "kfp" and mode == "runtime":
            continue
        if _may_pin(distribution.version, asked.get(name, ())):
            pins.append(f"{name}=={distribution.version}")
    return tuple(pins)


def _may_pin(version: str, asked: Iterable[Requirement]) -> bool:
    try:
        Version(version)
    except InvalidVersion:
        return False
    return all(
        not exact_version(one.specifier) and one.specifier.contains(version, prereleases=True)
        for one in asked
    )


def _sources(case: Case, claimed: Iterable[Requirement]) -> dict[str, str]:
    """Name the index of each distribution that is to be built for the CPU.

    None where the step asks for an accelerator; nor for what it declares in one certain build
    (``torch==2.9.1+cu128``).
    """
    if case.step.resources.accelerator:
        return {}
    builds = {canonicalize_name(one.name) for one in claimed if "+" in str(one.specifier)}
    wanted = case.settings.cpu_indexes or {}
    return {name: index for name, index in wanted.items() if name not in builds}


def _indexes(case: Case, config: Config) -> tuple[str, ...]:
    """Name the indexes that the step's run-time install used, and the ones the config adds."""
    declared = case.step.declared
    names = []
    for url in (*declared.index_urls, *declared.extra_index_urls):
        name = config.index_named(url)
        if name is None:
            host = urlsplit(url).hostname or "an unnamed host"
            raise LeaveAlone(
                f"it installs from an index on {host} that the config does not name; "
                f'set indexes.NAME = "URL"'
            )
        names.append(name)
    return tuple(dict.fromkeys((*names, *case.settings.indexes)))
