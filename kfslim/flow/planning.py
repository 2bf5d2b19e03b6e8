"""A pipeline → its plan, and what its steps run on today."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from kfslim.build.prune import DEFAULT_PRUNE
from kfslim.errors import BadConfig
from kfslim.flow.bases import Base, find_base, keep_base
from kfslim.flow.before import measure_images
from kfslim.flow.context import Context
from kfslim.flow.extras import plan_os_packages, plan_projects
from kfslim.flow.locking import Slot, lock_slots, notes_of
from kfslim.flow.measuring import missing_weight
from kfslim.flow.options import Options
from kfslim.lock.executor import executor
from kfslim.lock.model import Lock, Locked
from kfslim.measure.model import Measurement, PipelineMeasure, RuntimeInstall
from kfslim.measure.pipeline import measure_pipeline
from kfslim.oci import Platform, Reference
from kfslim.oci.compress import Codec, current_codec
from kfslim.plan.make import Choices, plan_image
from kfslim.plan.model import BasePlan, Bytecode, ImagePlan, Plan, StepPlan
from kfslim.steps.choose import own_image
from kfslim.steps.model import LeftAlone, Needs, Pipeline, Step
from kfslim.steps.needs import needs as needs_of


@dataclass(frozen=True)
class Planned:
    """A plan, and the measurement of what it replaces."""

    plan: Plan
    before: PipelineMeasure


def make_plan(
    context: Context,
    pipeline: Pipeline,
    options: Options,
    existing: Plan | None = None,
    target: Reference | None = None,
) -> Planned:
    """Plan every step that can be slimmed.

    ``existing`` gives the locks and bases to keep to; ``target`` is where its bases may lie.

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
    _check_names(need for _, need in needed)
    codec = current_codec(options.codec or context.config.codec)
    bases = _Bases(context, codec, _kept_bases(existing, options, codec), target)
    slots = [
        Slot(step, need, platform, bases.find(need.base, platform), _measured(old, step))
        for step, need in needed
        for platform in platforms
    ]
    locks = lock_slots(context, slots, existing, options)
    steps: list[StepPlan] = []
    installs: dict[str, RuntimeInstall] = {}
    for step, need in needed:
        mine = [(s, lock) for s, lock in zip(slots, locks, strict=True) if s.step is step]
        images = [_image(context, slot, lock, codec, options) for slot, lock in mine]
        notes = (*need.notes, *notes_of(*mine[0]))
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
    found, measured = old.get(step.image), _measured(old, step)
    result = needs_of(step, context.config, measured, base=options.base, python=options.python)
    if isinstance(result, LeftAlone) and isinstance(found, str) and not step.left_alone:
        return result.model_copy(update={"reason": f"{result.reason} ({found})"})
    if isinstance(result, Needs) and isinstance(found, str) and result.base == own_image(step):
        reason = f"it would stand on its own image, which cannot be read: {found}"
        return LeftAlone(step=result.step, image=step.image, reason=reason)
    return result


def _measured(old: Mapping[str, Measurement | str], step: Step) -> Measurement | None:
    found = old.get(step.image)
    return found if isinstance(found, Measurement) else None


class _Bases:
    """The bases of one run, each found once: an earlier plan's, unless an upgrade is asked for."""

    def __init__(
        self, context: Context, codec: Codec, kept: Iterable[BasePlan], target: Reference | None
    ) -> None:
        self._context, self._codec = context, codec
        self._kept = {(base.asked, base.platform): base for base in kept}
        self._target = context.store(target) if target else None
        self._found: dict[tuple[str, Platform], Base] = {}

    def find(self, asked: str, platform: Platform) -> Base:
        """Return the base called ``asked`` for ``platform``."""
        key = asked, platform
        if key not in self._found:
            kept = self._kept.get((asked, str(platform)))
            self._found[key] = (
                keep_base(self._context, kept, self._codec, self._target)
                if kept
                else find_base(self._context, asked, platform, self._codec)
            )
        return self._found[key]


def _kept_bases(existing: Plan | None, options: Options, codec: Codec) -> list[BasePlan]:
    """Return the bases to keep to; with another codec they could not be assembled again."""
    if existing is None or options.upgrade_bases:
        return []
    images = (image for step in existing.steps for image in step.images)
    return [image.base for image in images if image.codec == codec]


def _check_names(needed: Iterable[Needs]) -> None:
    """Refuse two steps of one name, which only the configuration can give them."""
    for name, times in Counter(need.step for need in needed).items():
        if times > 1:
            raise BadConfig(f"two steps are called {name!r}: change one's name under steps")


def _image(context: Context, slot: Slot, lock: Lock, codec: Codec, options: Options) -> ImagePlan:
    needs, base = slot.needs, slot.base
    return plan_image(
        base.plan,
        len(base.image.layers),
        base.provided,
        lock,
        Choices(_bytecode(context, slot, options), _prune(context, slot.step), codec),
        runtime=_runtime(context, needs, lock, base.provided),
        os_packages=plan_os_packages(context, needs.os_packages, base),
        projects=plan_projects(context, needs.projects),
    )


def _bytecode(context: Context, slot: Slot, options: Options) -> Bytecode:
    if slot.base.interpreter is None:
        return "none"
    return options.bytecode or context.config.for_step(slot.step.name).bytecode


def _prune(context: Context, step: Step) -> tuple[str, ...]:
    """Return the rules in force: all but those that the config spares, for some or for all."""
    keep = context.config.for_step(step.name).keep or {}
    for rule in keep:
        if rule not in DEFAULT_PRUNE:
            raise BadConfig(
                f"keep.{rule}: there is no prune rule of that name",
                hint=f"There are: {', '.join(DEFAULT_PRUNE)}.",
            )
    rules = [rule for rule in DEFAULT_PRUNE if "*" not in keep.get(rule, ())]
    spared = [f"{rule}!{canonicalize_name(n)}" for rule in rules for n in keep.get(rule, ())]
    return tuple(sorted((*rules, *spared)))


def _runtime(
    context: Context, needs: Needs, lock: Lock, provided: Collection[tuple[str, str]]
) -> Locked | None:
    """Return the executor, unless all of that kfp is there: its few modules would hide the rest."""
    locked = any(one.name == "kfp" for one in lock.distributions)
    if needs.kfp != "runtime" or locked or ("kfp", needs.kfp_version) in provided:
        return None
    return executor(context.uv, needs.kfp_version, python=needs.python)


def _runtime_install(
    step: Step, image: ImagePlan, old: Measurement | str | None
) -> RuntimeInstall | None:
    """Estimate what the step installs at every run today."""
    if not (step.declared.packages or step.declared.kfp_requirement):
        return None
    return missing_weight([*image.lock.distributions, *filter(None, [image.runtime])], old)
