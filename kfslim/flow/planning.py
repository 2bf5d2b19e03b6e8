"""A pipeline → its plan, and what its steps run on today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from kfslim.audit.model import StepAudit
from kfslim.flow.context import Context
from kfslim.flow.deciding import Whole, decide, known_audit, known_decision, whole_step
from kfslim.flow.measuring import missing_weight
from kfslim.flow.options import Options, TrialOptions
from kfslim.flow.preparing import prepare
from kfslim.measure.model import Measurement, PipelineMeasure, RuntimeInstall
from kfslim.measure.pipeline import measure_pipeline
from kfslim.oci import Reference
from kfslim.plan.model import Plan, StepPlan
from kfslim.steps.model import Pipeline


@dataclass(frozen=True)
class Planned:
    """A plan, and the measurement of what it replaces.

    By executor label: ``wholes`` are the steps with all that they declare, ``audits`` the audits
    of their first platforms, as far as they are known.
    """

    plan: Plan
    before: PipelineMeasure
    wholes: Mapping[str, Whole] = field(default_factory=dict)
    audits: Mapping[str, StepAudit] = field(default_factory=dict)


def make_plan(
    context: Context,
    pipeline: Pipeline,
    options: Options,
    existing: Plan | None = None,
    target: Reference | None = None,
    trial: TrialOptions | None = None,
) -> Planned:
    """Plan every step that can be slimmed.

    ``existing`` gives the locks, bases and decisions to keep to; ``target`` is where its bases may
    lie.  With ``trial``, trials follow: they prove what a source leaves in doubt.

    Raises:
        BadRequirement: a step's requirements are malformed, in conflict or unresolvable.
        InputError: a package to upgrade is in no step.
        KfslimError: what reading a base, locking or auditing raises.
    """
    ready = prepare(context, pipeline, options, existing, target)
    earlier = {step.executor: step for step in existing.steps} if existing else {}
    steps: list[StepPlan] = []
    wholes: dict[str, Whole] = {}
    audits: dict[str, StepAudit] = {}
    installs: dict[str, RuntimeInstall] = {}
    for step, need in ready.needed:
        whole = whole_step(
            context,
            step,
            need,
            ready.of(step),
            ready.codec,
            options,
            traced=trial is not None,
            runs=trial is not None and runs(context, step.name, trial),
        )
        whole, plan, audit = _decision(context, whole, earlier.get(step.executor), trial)
        steps.append(plan)
        wholes[step.executor] = whole
        if audit:
            audits[step.executor] = audit
        if install := _runtime_install(whole, ready.old.get(step.image)):
            installs[step.name] = install
    made = Plan(pipeline=pipeline.name, steps=tuple(steps), left_alone=ready.left_alone)
    return Planned(made, measure_pipeline(pipeline, ready.old, installs), wholes, audits)


def runs(context: Context, step: str, trial: TrialOptions) -> bool:
    """Tell whether the step called ``step`` itself is to run in its trial."""
    return trial.run or bool(context.config.for_step(step).trial.run)


def _decision(
    context: Context, whole: Whole, existing: StepPlan | None, trial: TrialOptions | None
) -> tuple[Whole, StepPlan, StepAudit | None]:
    """Return what is known of the step, else decide."""
    for one in (whole, *_proven_otherwise(whole, trial)):
        known = known_decision(context, one, existing)
        if known and (known.proven or one is whole):
            return one, known, known_audit(context, one, known.put_back)
    put_back = existing.put_back if existing and existing.asked == whole.asked else {}
    plan, audits = decide(context, whole, put_back)
    return whole, plan, audits[0] if audits else None


def _proven_otherwise(whole: Whole, trial: TrialOptions | None) -> list[Whole]:
    """Return under which other conditions a trial that was passed speaks for the step, too.

    A step that was to run and could not was tried up to its start; and one that did run proved
    more than is asked of one that need not.  Without a trial to come, both are good.
    """
    ran = replace(whole, runs=True, trusting=True)
    could_not = replace(whole, runs=True, trusting=False)
    if trial is None:
        return [ran, could_not]
    return [could_not] if whole.runs else [ran]


def _runtime_install(whole: Whole, old: Measurement | str | None) -> RuntimeInstall | None:
    """Estimate what the step installs at every run today."""
    declared = whole.step.declared
    if not (declared.packages or declared.kfp_requirement):
        return None
    image = whole.images[0]
    return missing_weight([*image.lock.distributions, *filter(None, [image.runtime])], old)
