"""Images to plan → their locks, at the versions that the steps run with today.

At every start of a step that declares packages on an image that holds others, pip keeps what the
image has where it fits, and replaces the rest.  The slim image gets what that comes to: what the
image had, with what pip replaces replaced.  METADATA that disagrees with it is overruled, since
the step runs so today.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kfslim.errors import BadRequirement, InputError, Unsupported
from kfslim.flow.bases import Base
from kfslim.flow.context import Context
from kfslim.flow.options import Options
from kfslim.lock.job import Job
from kfslim.lock.model import Lock
from kfslim.lock.resolve import lock_many
from kfslim.lock.subset import restored
from kfslim.lock.target import DEFAULT_GLIBC
from kfslim.measure.model import Measurement
from kfslim.oci import Platform
from kfslim.plan.model import ImagePlan, Plan, StepPlan
from kfslim.steps.found import INSTALLERS, Found
from kfslim.steps.model import Needs, Step


@dataclass(frozen=True)
class Slot:
    """One image to plan: a step's needs on one platform, its base, and its old image if known."""

    step: Step
    needs: Needs
    platform: Platform
    base: Base
    old: Measurement | None = None


def lock_slots(
    context: Context, slots: Sequence[Slot], existing: Plan | None, options: Options
) -> list[Lock]:
    """Lock every slot, keeping to the locks of ``existing``.

    Raises:
        BadRequirement: requirements that are malformed, in conflict or unresolvable.
        InputError: a package to upgrade is in no step.
        KfslimError: as :func:`kfslim.lock.resolve.lock_many`.
    """
    jobs = [_job(slot, existing, options) for slot in slots]
    ran = _run_time_installs(context, slots, jobs)
    settled = [
        job if job.is_current or not slot.old else _settled(context, slot, job, ran.get(place))
        for place, (slot, job) in enumerate(zip(slots, jobs, strict=True))
    ]
    locks = lock_many(context.uv, settled, progress=context.progress)
    _check_upgrade(options, locks)
    return locks


def notes_of(slot: Slot, lock: Lock) -> list[str]:
    """Say where a lock differs from the old image, what was overruled to keep to it, and what is
    built for the CPU.
    """
    notes = [
        f"{one.name} {one.version} comes from index {one.index}: the step asks for no accelerator"
        for one in lock.distributions
        if one.index == slot.needs.sources.get(one.name)
    ]
    return notes + (_changes(slot, slot.old, lock) if slot.old else [])


def _changes(slot: Slot, old: Measurement, lock: Lock) -> list[str]:
    versions = {one.name: one.version for one in lock.distributions}
    pins = _versions(slot.needs.constraints)
    notes = [
        f"{name} {old} becomes {versions[name]}, as by its run-time install"
        for name, old in pins.items()
        if versions.get(name, old) != old and f"{name}=={versions[name]}" in lock.constraints
    ]
    found = Found(old, slot.needs.python)
    for conflict in found.contradictions(versions, versions):
        notes.append(
            f"{conflict.name} {conflict.version} wants {conflict.target}{conflict.specifier}, but "
            f"the step runs with {versions[conflict.target]}: kept so"
        )
    return notes


def _job(slot: Slot, existing: Plan | None, options: Options) -> Job:
    needs = slot.needs
    job = Job(
        requirements=needs.requirements,
        python=needs.python,
        platform=slot.platform,
        constraints=needs.constraints,
        indexes=needs.indexes,
        sources=tuple(sorted(needs.sources.items())),
        glibc=slot.base.glibc or DEFAULT_GLIBC,
        existing=_existing_lock(existing, slot),
        what=f"locking step {needs.step}",
        # a step's preamble installs its kfp last and without looking at dependencies
        overrides=(f"kfp=={needs.kfp_version}",) if needs.kfp == "runtime" else (),
    )
    return _upgraded(job, needs, options) if options.upgrade_all or options.upgraded else job


def _upgraded(job: Job, needs: Needs, options: Options) -> Job:
    """Free ``job`` of the old image's versions of what the user wants newer.

    It still answers the same declaration, so that later runs keep to what it resolves to.
    """

    def stays(pin: str) -> bool:
        name = pin.partition("==")[0]
        wanted = options.upgrade_all or name in options.upgraded
        return not wanted or pin in needs.installed or name == "kfp"  # the SDK's, always

    return replace(
        job,
        requirements=tuple(r if stays(r) else r.partition("==")[0] for r in job.requirements),
        constraints=tuple(filter(stays, job.constraints)),
        upgrade=options.upgrade_all or options.upgraded,
        declares=job.declaration,
    )


def _existing_lock(existing: Plan | None, slot: Slot) -> Lock | None:
    for step in existing.steps if existing else ():
        if step.executor == slot.step.executor:
            for image in step.images:
                if image.base.platform == str(slot.platform):
                    return whole_lock(step, image)
    return None


def whole_lock(step: StepPlan, image: ImagePlan) -> Lock:
    """Return what ``image``'s declaration resolved to, with what it goes without."""
    platform = image.base.platform
    return restored(image.lock, (d.locked for d in step.dropped if d.platform == platform))


def _check_upgrade(options: Options, locks: Sequence[Lock]) -> None:
    """Refuse the name of a package that no step gets: it is a misspelling."""
    known = {found.name for lock in locks for found in lock.distributions}
    for name in sorted(options.upgraded - known):
        close = get_close_matches(name, known, n=1)
        raise InputError(
            f"--upgrade {name}: no step gets a package of that name",
            hint=f"Did you mean {close[0]}?" if close else "",
        )


def _run_time_installs(
    context: Context, slots: Sequence[Slot], jobs: Sequence[Job]
) -> dict[int, Lock]:
    """Return what pip would install over the old images, by the slot's place.

    That is what is declared, with the versions found kept where they fit.
    """
    wanted = {
        place: replace(
            job,
            requirements=slot.needs.installed,
            constraints=(),
            preferred=job.constraints,
            sources=(),  # pip knows of none
            what=f"locking what step {slot.needs.step} installs at run time",
        )
        for place, (slot, job) in enumerate(zip(slots, jobs, strict=True))
        if slot.needs.installed and _versions(job.constraints).keys() - INSTALLERS
        if not job.is_current
    }
    locks = lock_many(context.uv, list(wanted.values()), progress=context.progress)
    return dict(zip(wanted, locks, strict=True))


def _settled(context: Context, slot: Slot, job: Job, ran: Lock | None) -> Job:
    """Return ``job`` with the versions that its step runs with."""
    had = _versions(job.constraints)
    replaced = {
        one.name: one.version
        for one in (ran.distributions if ran else ())
        if had.get(one.name, one.version) != one.version
    }
    if replaced:
        _check_available(context, job, {name: had[name] for name in replaced})
    versions = had | replaced
    requirements = tuple(_moved(line, had, replaced) for line in job.requirements)
    return replace(
        job,
        requirements=requirements,
        constraints=tuple(f"{name}=={version}" for name, version in versions.items()),
        overrides=(*job.overrides, *_overruled(slot, requirements, versions)),
        declares=job.declaration,
    )


def _versions(pins: Sequence[str]) -> dict[str, str]:
    """Return name → version of ``name==version`` pins."""
    return dict(pin.partition("==")[::2] for pin in pins)


def _check_available(context: Context, job: Job, pins: Mapping[str, str]) -> None:
    """Refuse versions that no index has: they only seem to be replaced at run time."""
    lines = tuple(f"{name}=={version}" for name, version in pins.items())
    try:
        lock_many(
            context.uv, [replace(job, requirements=lines, constraints=(), dependencies=False)]
        )
    except (BadRequirement, Unsupported) as error:
        raise BadRequirement(
            f"{job.what}: its old image holds {', '.join(lines)}, which its indexes do not have",
            hint="Name the index that has it in the config, declare another version if it may"
            " change, or base the step on its own image.",
        ) from error


def _moved(line: str, had: Mapping[str, str], replaced: Mapping[str, str]) -> str:
    """Return a requirement on what the image had as one on what replaces it at run time."""
    name, _, version = line.partition("==")
    return f"{name}=={replaced[name]}" if name in replaced and version == had[name] else line


def _overruled(slot: Slot, lines: Sequence[str], versions: Mapping[str, str]) -> list[str]:
    """Return the pins that METADATA in the old image contradicts."""
    if slot.old is None:
        return []
    found = Found(slot.old, slot.needs.python)
    names = found.closure(canonicalize_name(Requirement(line).name) for line in lines)
    overruled = []
    for target in sorted({one.target for one in found.contradictions(names, versions)}):
        extras = ",".join(sorted(found.extras(names, target)))  # an override would drop them
        overruled.append(f"{target}{f'[{extras}]' if extras else ''}=={versions[target]}")
    return overruled
