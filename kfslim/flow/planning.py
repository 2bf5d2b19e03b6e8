"""A pipeline → its plan, and what its steps run on today."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from kfslim.build.prune import DEFAULT_PRUNE
from kfslim.errors import BadConfig
from kfslim.flow.context import Context
from kfslim.flow.extras import plan_os_packages, plan_projects
from kfslim.flow.locking import Slot, notes_of
from kfslim.flow.measuring import missing_weight
from kfslim.flow.options import Options
from kfslim.flow.preparing import prepare
from kfslim.lock.executor import executor
from kfslim.lock.model import Lock, Locked
from kfslim.measure.model import Measurement, PipelineMeasure, RuntimeInstall
from kfslim.measure.pipeline import measure_pipeline
from kfslim.oci import Reference
from kfslim.oci.compress import Codec
from kfslim.plan.make import Choices, plan_image
from kfslim.plan.model import Bytecode, ImagePlan, Plan, StepPlan
from kfslim.steps.model import Needs, Pipeline, Step


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
    ready = prepare(context, pipeline, options, existing, target)
    codec, old = ready.codec, ready.old
    steps: list[StepPlan] = []
    installs: dict[str, RuntimeInstall] = {}
    for step, need in ready.needed:
        mine = ready.of(step)
        images = [_image(context, slot, lock, codec, options) for slot, lock in mine]
        notes = (*need.notes, *notes_of(*mine[0]))
        steps.append(
            StepPlan(name=need.step, executor=step.executor, images=tuple(images), notes=notes)
        )
        if install := _runtime_install(step, images[0], old.get(step.image)):
            installs[step.name] = install
    plan = Plan(pipeline=pipeline.name, steps=tuple(steps), left_alone=ready.left_alone)
    return Planned(plan, measure_pipeline(pipeline, old, installs))


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
