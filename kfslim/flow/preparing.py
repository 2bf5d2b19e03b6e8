"""A pipeline → what each step needs, its base and its full lock: how plans and audits begin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kfslim.errors import BadConfig
from kfslim.flow.bases import Base, find_base, keep_base
from kfslim.flow.before import measure_images
from kfslim.flow.context import Context
from kfslim.flow.locking import Slot, lock_slots
from kfslim.flow.options import Options
from kfslim.lock.model import Lock
from kfslim.measure.model import Measurement
from kfslim.oci import Platform, Reference
from kfslim.oci.compress import Codec, current_codec
from kfslim.plan.model import BasePlan, Plan
from kfslim.steps.choose import own_image
from kfslim.steps.model import LeftAlone, Needs, Pipeline, Step
from kfslim.steps.needs import needs as needs_of


@dataclass(frozen=True)
class Prepared:
    """The steps of a pipeline, and what each resolved to.

    ``old`` are the images that steps run on today, by reference: measured, or why not.  ``slots``
    and ``locks`` belong together: one pair for each step and platform, steps in order.
    """

    old: Mapping[str, Measurement | str]
    needed: tuple[tuple[Step, Needs], ...]
    left_alone: tuple[LeftAlone, ...]
    slots: tuple[Slot, ...]
    locks: tuple[Lock, ...]
    codec: Codec

    def of(self, step: Step) -> list[tuple[Slot, Lock]]:
        """Return what belongs to ``step``, platform after platform."""
        pairs = zip(self.slots, self.locks, strict=True)
        return [(slot, lock) for slot, lock in pairs if slot.step is step]


def prepare(
    context: Context,
    pipeline: Pipeline,
    options: Options,
    existing: Plan | None = None,
    target: Reference | None = None,
) -> Prepared:
    """Find out what every step needs, find the bases, and lock all that is declared.

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
    needed = tuple((step, need) for step, need in wanted if isinstance(need, Needs))
    _check_names(need for _, need in needed)
    codec = current_codec(options.codec or context.config.codec)
    bases = _Bases(context, codec, _kept_bases(existing, options, codec), target)
    slots = tuple(
        Slot(step, need, platform, bases.find(need.base, platform), _measured(old, step))
        for step, need in needed
        for platform in platforms
    )
    return Prepared(
        old=old,
        needed=needed,
        left_alone=tuple(need for _, need in wanted if isinstance(need, LeftAlone)),
        slots=slots,
        locks=tuple(lock_slots(context, slots, existing, options)),
        codec=codec,
    )


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
