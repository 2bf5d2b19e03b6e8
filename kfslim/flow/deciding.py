"""What one step gets of all that it declares: audited, minus what nobody needs, plus put-backs.

A decision follows from what was asked (declaration, source, settings) and from what that came to
(locked files, base).  Both have a digest in the plan: while they stay the same, a decision that a
plan or the cache holds is taken as it is, and nothing is audited or tried again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from packaging.utils import canonicalize_name
from pydantic import ValidationError

from kfslim.audit.model import Finding, StepAudit
from kfslim.build.prune import DEFAULT_PRUNE
from kfslim.canonical import value_digest
from kfslim.errors import BadConfig
from kfslim.flow.context import Context
from kfslim.flow.extras import plan_os_packages, plan_projects
from kfslim.flow.locking import Slot, notes_of
from kfslim.flow.options import Options
from kfslim.lock.executor import executor
from kfslim.lock.model import Lock, Locked
from kfslim.lock.subset import without
from kfslim.oci.compress import Codec
from kfslim.plan.make import Choices, plan_image
from kfslim.plan.model import Bytecode, ImagePlan, StepPlan
from kfslim.plan.tried import Dropped
from kfslim.steps.model import Needs, Step

if TYPE_CHECKING:
    from kfslim.audit.graph import Environment

RULES = 3  # of deciding; a new number when the same facts lead to another decision
ALL = "*"  # in ``put_back``: everything, for a step that is shipped as it was declared
_AUDITS, _DECIDED = "audits-1", "decided-1"  # rooms of the cache


@dataclass(frozen=True)
class Whole:
    """One step with all that it declares: where decisions begin, and what repairs go back to.

    ``slots`` are its platforms with their full locks, ``images`` the plans of images that hold all
    of that.  ``runs``: the step itself is to be run in its trial; ``trusting``: it can be, so that
    what its source leaves in doubt goes, and the trial tells.
    """

    step: Step
    needs: Needs
    slots: tuple[tuple[Slot, Lock], ...]
    images: tuple[ImagePlan, ...]
    question: Mapping[str, Any]
    audit: bool
    prune: Literal["policy", "trace"] = "policy"
    runs: bool = False
    trusting: bool = False

    @cached_property
    def asked(self) -> str:
        """The digest of what was asked: declaration, source, settings."""
        return value_digest({**self.question, "run": [self.runs, self.trusting]})

    @cached_property
    def decided(self) -> str:
        """The digest of all that a decision follows from: bytecode follows from trials alone."""
        own = {"bytecode", "layers", "compiled", "cut", "trial"}
        parts = [{k: v for k, v in i.identity.items() if k not in own} for i in self.images]
        return value_digest([self.asked, parts])

    @cached_property
    def plan(self) -> StepPlan:
        """The plan of the step with all that it declares."""
        return StepPlan(
            name=self.needs.step,
            executor=self.step.executor,
            images=self.images,
            notes=(*self.needs.notes, *notes_of(*self.slots[0])),
            asked=self.asked,
            decided=self.decided,
        )


def whole_step(
    context: Context,
    step: Step,
    needs: Needs,
    slots: Sequence[tuple[Slot, Lock]],
    codec: Codec,
    options: Options,
    *,
    traced: bool,
    runs: bool,
) -> Whole:
    """Plan a step with all that it declares.

    ``traced``: a trial follows, so bytecode is that of what it imports, unless others are wanted;
    ``runs``: in the trial the step itself is run.

    Raises:
        BadConfig: the config names a prune rule that there is not.
        KfslimError: what resolving OS packages and reading project folders raises.
    """
    made = [_image(context, slot, lock, codec, options, traced=traced) for slot, lock in slots]
    question = _question(context, step, options, made)
    return Whole(
        step,
        needs,
        tuple(slots),
        tuple(made),
        question,
        options.audit,
        options.prune or context.config.for_step(step.name).prune or "policy",
        runs=runs,
        trusting=runs,
    )


def _question(
    context: Context, step: Step, options: Options, images: Sequence[ImagePlan]
) -> dict[str, Any]:
    """Return all that the user asked for and that a decision depends on."""
    settings = context.config.for_step(step.name)
    return {
        "rules": RULES,
        "step": step.model_dump(
            mode="json", include={"source", "command", "args", "env", "function", "resources"}
        ),
        "declarations": [image.lock.declaration for image in images],
        "projects": [[p.model_dump(mode="json") for p in image.projects] for image in images],
        "keep": [sorted((settings.keep or {}).items()), settings.keep_requirements],
        "trial": settings.trial.model_dump(mode="json", exclude={"run"}),
        "bytecode": options.bytecode or settings.bytecode,
        "options": [options.audit, options.prune or settings.prune or "policy"],
    }


def known_decision(context: Context, whole: Whole, existing: StepPlan | None) -> StepPlan | None:
    """Return what was decided from the very same facts, by the plan that is there or the cache."""
    if existing and existing.decided == whole.decided:
        return existing.model_copy(update={"notes": whole.plan.notes})
    value = context.cache.get(_DECIDED, _key(whole.decided))
    if value is None:
        return None
    try:
        known = StepPlan.model_validate(value)
    except ValidationError:  # of another version, or damaged
        return None
    same = {"name": whole.needs.step, "executor": whole.step.executor, "notes": whole.plan.notes}
    return known.model_copy(update=same)


def remember_decision(context: Context, plan: StepPlan) -> None:
    """Keep a decision that was proven, for runs that have no plan."""
    if plan.decided and plan.proven:
        context.cache.put(_DECIDED, _key(plan.decided), plan.model_dump(mode="json"))


def decide(
    context: Context, whole: Whole, put_back: Mapping[str, str]
) -> tuple[StepPlan, tuple[StepAudit, ...]]:
    """Audit a step, and plan it without what nobody needs; one audit for each platform.

    ``put_back`` is what trials asked for: names of distributions, prune rules (``tests``, or
    ``tests!numpy`` for one), ``cut!numpy`` (see :mod:`kfslim.flow.repairing`), or :data:`ALL`.

    Raises:
        KfslimError: as :func:`kfslim.flow.auditing.audit_slot`.
    """
    put_back = dict(put_back)
    if not whole.audit:
        return _with(whole, [_spared(image, put_back) for image in whole.images], (), put_back), ()
    images: list[ImagePlan] = []
    dropped: list[Dropped] = []
    audits: list[StepAudit] = []
    for (slot, lock), image in zip(whole.slots, whole.images, strict=True):
        audit = _audit(context, whole, slot, lock, put_back)
        gone = () if ALL in put_back else _gone(context, whole, lock, audit, put_back)
        images.append(_spared(_less(context, slot, image, gone), put_back))
        dropped += gone
        audits.append(audit)
    return _with(whole, images, dropped, put_back), tuple(audits)


def _with(
    whole: Whole,
    images: Sequence[ImagePlan],
    dropped: Sequence[Dropped],
    put_back: dict[str, str],
) -> StepPlan:
    made = {"images": tuple(images), "dropped": tuple(dropped), "put_back": put_back}
    return whole.plan.model_copy(update=made)


def known_audit(context: Context, whole: Whole, put_back: Mapping[str, str]) -> StepAudit | None:
    """Return the audit behind a decision, for its first platform; None if the cache has none."""
    value = context.cache.get(_AUDITS, _audit_key(whole, whole.slots[0][0], put_back))
    try:
        return StepAudit.model_validate(value)
    except ValidationError:  # not there, of another version, or damaged
        return None


def _audit_key(whole: Whole, slot: Slot, put_back: Mapping[str, str]) -> str:
    return _key(value_digest([whole.decided, str(slot.platform), _distributions(put_back)]))


def _distributions(put_back: Mapping[str, str]) -> dict[str, str]:
    """Return the distributions among what was put back."""
    return {
        name: why
        for name, why in put_back.items()
        if name != ALL and "!" not in name and name not in DEFAULT_PRUNE
    }


def _audit(
    context: Context, whole: Whole, slot: Slot, lock: Lock, put_back: Mapping[str, str]
) -> StepAudit:
    from kfslim.flow.auditing import audit_slot  # most runs find everything decided

    names, key = _distributions(put_back), _audit_key(whole, slot, put_back)
    try:
        return StepAudit.model_validate(context.cache.get(_AUDITS, key))
    except ValidationError:  # not made before
        pass
    audit = audit_slot(
        context,
        slot.step,
        slot.needs,
        lock,
        base_provides=slot.base.provided,
        put_back=names,
        trusting=whole.trusting,
    )
    context.cache.put(_AUDITS, key, audit.model_dump(mode="json"))
    return audit


def _gone(
    context: Context, whole: Whole, lock: Lock, audit: StepAudit, put_back: Mapping[str, str]
) -> tuple[Dropped, ...]:
    """Return what the image goes without, each with the requirement that went and the reason.

    What no requirement seems to bring stays: nobody said that it may go.  Offers of something
    lighter are taken up where a run of the step proves them.
    """
    from kfslim.flow.accepting import NOTHING_OFFERED, taken_up
    from kfslim.flow.auditing import step_uses
    from kfslim.flow.dissecting import environment_of

    environment = environment_of(context, lock, step_uses(context, whole.step))
    back = [name for name in _distributions(put_back) if name in environment]
    offers = taken_up(audit, environment, back) if whole.trusting else NOTHING_OFFERED
    stays = set(audit.distributions)
    if offers.kept is not None:
        stays = set(environment.brought(offers.kept, audit.requirements))
    stays = {*stays, *environment.closure(back)} - offers.cuda
    brought = environment.brought(audit.requirements, audit.requirements)
    _, gone = without(lock, {str(name) for name in brought - stays})
    removals = [f for f in audit.findings if f.action == "remove"]
    return tuple(
        _dropped(environment, lock.platform, one, [*removals, *offers.findings]) for one in gone
    )


def _dropped(
    environment: Environment, platform: str, locked: Locked, removals: Sequence[Finding]
) -> Dropped:
    own = [finding for finding in removals if finding.name == locked.name]
    found = own or [f for f in removals if locked.name in _brings(environment, f)]
    if not found:
        why = "nothing that stays requires it"
        return Dropped(locked=locked, platform=platform, code="KS201", requirement="", why=why)
    first, requirement = found[0], found[0].requirement
    why = first.message if own else f"it came with {requirement}: {first.message}"
    if first.code == "KS402":  # that requirement stays
        why, requirement = f"CUDA of {requirement}, and the step asks for no accelerator", ""
    return Dropped(
        locked=locked,
        platform=platform,
        code=first.code,
        requirement=requirement,
        why=why,
    )


def _brings(environment: Environment, finding: Finding) -> Iterable[str]:
    return {*finding.price.distributions, *environment.closure([finding.requirement])}


def _less(context: Context, slot: Slot, image: ImagePlan, gone: Sequence[Dropped]) -> ImagePlan:
    """Plan the image again without ``gone``."""
    if not gone:
        return image
    lock, _ = without(image.lock, {one.locked.name for one in gone})
    return _planned(
        context, slot, lock, Choices(image.bytecode, image.prune, image.codec), like=image
    )


def leave_out(
    context: Context, whole: Whole, step: StepPlan, place: int, gone: Sequence[Dropped]
) -> StepPlan:
    """Return ``step`` with its image at ``place`` planned again without ``gone``."""
    images = list(step.images)
    images[place] = _less(context, whole.slots[place][0], images[place], gone)
    update = {"images": tuple(images), "dropped": (*step.dropped, *gone)}
    return step.model_copy(update=update)


def _spared(image: ImagePlan, put_back: Mapping[str, str]) -> ImagePlan:
    """Return the image with the prune rules that trials left: none where everything is back."""
    if ALL in put_back:
        return image.model_copy(update={"prune": ()})
    rules = [rule for rule in image.prune if rule.partition("!")[0] not in put_back]
    there = set(rules)
    spared = [name for name in put_back if "!" in name and name.partition("!")[0] in there]
    return image.model_copy(update={"prune": tuple(sorted({*rules, *spared}))})


def _image(
    context: Context, slot: Slot, lock: Lock, codec: Codec, options: Options, *, traced: bool
) -> ImagePlan:
    bytecode = _bytecode(context, slot, options, traced=traced)
    return _planned(context, slot, lock, Choices(bytecode, _prune(context, slot.step), codec))


def _planned(
    context: Context, slot: Slot, lock: Lock, choices: Choices, like: ImagePlan | None = None
) -> ImagePlan:
    needs, base = slot.needs, slot.base
    return plan_image(
        base.plan,
        len(base.image.layers),
        base.provided,
        lock,
        choices,
        runtime=_runtime(context, slot, lock),
        os_packages=like.os_packages
        if like
        else plan_os_packages(context, needs.os_packages, base),
        projects=like.projects if like else plan_projects(context, needs.projects),
    )


def _bytecode(context: Context, slot: Slot, options: Options, *, traced: bool) -> Bytecode:
    if slot.base.interpreter is None:
        return "none"
    asked = options.bytecode or context.config.for_step(slot.step.name).bytecode
    return asked or ("trace" if traced else "all")


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


def _runtime(context: Context, slot: Slot, lock: Lock) -> Locked | None:
    """Return the executor, unless all of kfp is there: its few modules would hide the rest."""
    needs = slot.needs
    locked = any(one.name == "kfp" for one in lock.distributions)
    if needs.kfp == "none" or locked or ("kfp", needs.kfp_version) in slot.base.provided:
        return None
    return executor(context.uv, needs.kfp_version, python=needs.python)


def _key(digest: str) -> str:
    return digest.removeprefix("sha256:")
