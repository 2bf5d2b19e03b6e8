"""A pipeline → its plan, and what its steps run on today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from kfslim.build.prune import DEFAULT_PRUNE
from kfslim.errors import InputError
from kfslim.flow.bases import Base, find_base
from kfslim.flow.before import measure_images
from kfslim.flow.context import Context
from kfslim.flow.extras import plan_os_packages, plan_projects
from kfslim.flow.measuring import missing_weight
from kfslim.flow.options import Options
from kfslim.lock.executor import executor
from kfslim.lock.job import Job
from kfslim.lock.model import Lock, Locked
from kfslim.lock.resolve import lock_many
from kfslim.lock.target import DEFAULT_GLIBC
from kfslim.measure.model import Measurement, PipelineMeasure, RuntimeInstall
from kfslim.measure.pipeline import measure_pipeline
from kfslim.oci import Platform
from kfslim.oci.compress import Codec, current_codec
from kfslim.plan.make import Choices, plan_image
from kfslim.plan.model import Bytecode, ImagePlan, Plan, StepPlan
from kfslim.steps.model import LeftAlone, Needs, Pipeline, Step
from kfslim.steps.needs import needs as needs_of


@dataclass(frozen=True)
class Planned:
    """A plan, and the measurement of what it replaces."""

    plan: Plan
    before: PipelineMeasure


@dataclass(frozen=True)
class _Slot:
    """One image to plan: a step's needs on one platform, and its base."""

    step: Step
    needs: Needs
    platform: Platform
    base: Base


def make_plan(
    context: Context, pipeline: Pipeline, options: Options, existing: Plan | None = None
) -> Planned:
    """Plan every step that can be slimmed; ``existing`` gives the locks to keep to.

    Raises:
        BadRequirement: a step's requirements are malformed, in conflict or unresolvable.
        InputError: a package to upgrade is in no step.
        KfslimError: what reading a base or locking raises.
    """
    platforms = _platforms(context, options)
    references = {step.image for step in pipeline.steps if step.image and not step.left_alone}
    old = measure_images(context, references, platforms[0]) if options.before else {}
    wanted = [(step, _needs(context, step, old, options)) for step in pipeline.steps]
    left_alone = [need for _, need in wanted if isinstance(need, LeftAlone)]
    needed = [(step, need) for step, need in wanted if isinstance(need, Needs)]
    codec = current_codec(options.codec or context.config.codec)
    slots = _slots(context, needed, platforms, codec)
    jobs = [_job(slot, existing, options) for slot in slots]
    locks = lock_many(context.uv, jobs, progress=context.progress)
    _check_upgrade(options, locks)
    steps: list[StepPlan] = []
    installs: dict[str, RuntimeInstall] = {}
    for step, need in needed:
        mine = [(s, lock) for s, lock in zip(slots, locks, strict=True) if s.step is step]
        images = [_image(context, slot, lock, codec, options) for slot, lock in mine]
        notes = need.notes
        steps.append(
            StepPlan(name=need.step, executor=step.executor, images=tuple(images), notes=notes)
        )
        if install := _runtime_install(step, images[0], old.get(step.image)):
            installs[step.name] = install
    plan = Plan(pipeline=pipeline.name, steps=tuple(steps), left_alone=tuple(left_alone))
    return Planned(plan, measure_pipeline(pipeline, old, installs))


def _platforms(context: Context, options: Options) -> tuple[Platform, ...]:
    configured = tuple(Platform.parse(text) for text in context.config.platforms)
    return tuple(dict.fromkeys(options.platforms or configured or (Platform(),)))


def _needs(
    context: Context, step: Step, old: Mapping[str, Measurement | str], options: Options
) -> Needs | LeftAlone:
    found = old.get(step.image)
    measured = found if isinstance(found, Measurement) else None
    result = needs_of(step, context.config, measured, base=options.base, python=options.python)
    if isinstance(result, LeftAlone) and isinstance(found, str) and not step.left_alone:
        return result.model_copy(update={"reason": f"{result.reason} ({found})"})
    return result


def _slots(
    context: Context,
    needed: Sequence[tuple[Step, Needs]],
    platforms: Sequence[Platform],
    codec: Codec,
) -> list[_Slot]:
    bases: dict[tuple[str, Platform], Base] = {}
    slots = []
    for step, need in needed:
        for platform in platforms:
            key = need.base, platform
            if key not in bases:
                bases[key] = find_base(context, need.base, platform, codec)
            slots.append(_Slot(step, need, platform, bases[key]))
    return slots


def _job(slot: _Slot, existing: Plan | None, options: Options) -> Job:
    return Job(
        requirements=slot.needs.requirements,
        python=slot.needs.python,
        platform=slot.platform,
        constraints=_constraints(slot.needs, options),
        indexes=slot.needs.indexes,
        glibc=slot.base.glibc or DEFAULT_GLIBC,
        existing=_existing_lock(existing, slot),
        upgrade=options.upgrade_all or options.upgraded,
        what=f"locking step {slot.needs.step}",
    )


def _constraints(needs: Needs, options: Options) -> tuple[str, ...]:
    """Return the old image's versions, but for what the user wants newer."""
    if options.upgrade_all:
        return ()
    upgraded = options.upgraded
    return tuple(c for c in needs.constraints if c.partition("==")[0] not in upgraded)


def _check_upgrade(options: Options, locks: Sequence[Lock]) -> None:
    """Refuse the name of a package that no step gets: it is a misspelling."""
    known = {found.name for lock in locks for found in lock.distributions}
    for name in sorted(options.upgraded - known):
        close = get_close_matches(name, known, n=1)
        raise InputError(
            f"--upgrade {name}: no step gets a package of that name",
            hint=f"Did you mean {close[0]}?" if close else "",
        )


def _existing_lock(existing: Plan | None, slot: _Slot) -> Lock | None:
    for step in existing.steps if existing else ():
        if step.executor == slot.step.executor:
            for image in step.images:
                if image.base.platform == str(slot.platform):
                    return image.lock
    return None


def _image(context: Context, slot: _Slot, lock: Lock, codec: Codec, options: Options) -> ImagePlan:
    needs, base = slot.needs, slot.base
    return plan_image(
        base.plan,
        len(base.image.layers),
        base.provided,
        lock,
        Choices(_bytecode(context, slot, options), _prune(context, slot.step), codec),
        runtime=_runtime(context, needs),
        os_packages=plan_os_packages(context, needs.os_packages, base),
        projects=plan_projects(context, needs.projects),
    )


def _bytecode(context: Context, slot: _Slot, options: Options) -> Bytecode:
    if slot.base.interpreter is None:
        return "none"
    return options.bytecode or context.config.for_step(slot.step.name).bytecode


def _prune(context: Context, step: Step) -> tuple[str, ...]:
    """Return the rules in force: all but those that the config spares, for some or for all."""
    keep = context.config.for_step(step.name).keep or {}
    rules = [rule for rule in DEFAULT_PRUNE if "*" not in keep.get(rule, ())]
    spared = [f"{rule}!{name}" for rule in rules for name in keep.get(rule, ())]
    return tuple(sorted((*rules, *spared)))


def _runtime(context: Context, needs: Needs) -> Locked | None:
    if needs.kfp != "runtime":
        return None
    return executor(context.uv, needs.kfp_version, python=needs.python)


def _runtime_install(
    step: Step, image: ImagePlan, old: Measurement | str | None
) -> RuntimeInstall | None:
    """Estimate what the step installs at every run today."""
    if not (step.declared.packages or step.declared.kfp_requirement):
        return None
    return missing_weight([*image.lock.distributions, *filter(None, [image.runtime])], old)
