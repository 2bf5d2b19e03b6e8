"""Plan → published images, by whichever builder.  Nothing but the plan decides what is built.

A step whose tag is at the destination already costs one request.  Of the others, layers are sent
while others are still being made; manifests follow when all layers are there, tags last.  A
*candidate* gets a temporary tag instead, until ``flow.promoting`` gives it the step's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from kfslim.flow.before import measure_image
from kfslim.flow.builders import Assembled, Builder, Daemonless
from kfslim.flow.context import Context, pool
from kfslim.flow.traffic import Traffic
from kfslim.measure.model import Measurement
from kfslim.oci import Image, Index, Platform, Reference, Store
from kfslim.plan.check import check_plan
from kfslim.plan.model import LABEL_BUILDER, LABEL_STEP, Plan, StepPlan
from kfslim.report.model import BuildResult, StepBuild

_ASKING = 8  # threads that ask whether a step is there; they wait for the network
_ROOM = "published"
DAEMONLESS = Daemonless()
CANDIDATE = "candidate-"  # begins the temporary tag of an image that nobody has tried yet


@dataclass(frozen=True)
class BuiltStep:
    """One step at its destination.  ``reference`` is by digest, under the name nodes pull.

    ``images`` are the measurements of its platforms, in the plan's order; ``tag`` is the one that
    its image was found or put under.
    """

    name: str
    executor: str
    reference: str
    images: tuple[Measurement, ...]
    unchanged: bool
    tag: str


@dataclass(frozen=True)
class Built:
    """What a build came to."""

    steps: tuple[BuiltStep, ...]
    traffic: Traffic

    def result(self) -> BuildResult:
        """Return what there is to tell."""
        steps = [
            StepBuild(
                name=step.name,
                reference=step.reference,
                content_bytes=step.images[0].content_bytes,
                disk_bytes=step.images[0].disk_bytes,
                unchanged=step.unchanged,
            )
            for step in self.steps
        ]
        return BuildResult(
            steps=tuple(steps),
            pushed_bytes=self.traffic.pushed_bytes,
            mounted_bytes=self.traffic.mounted_bytes,
            present_bytes=self.traffic.present_bytes,
        )


@dataclass(frozen=True)
class _Done:
    digest: str
    tag: str
    images: tuple[Measurement, ...]


def build_images(
    context: Context,
    plan: Plan,
    target: Reference,
    pull_from: str | None = None,
    *,
    candidates: bool = False,
    builder: Builder = DAEMONLESS,
) -> Built:
    """Build and publish what of ``plan`` is not at ``target`` yet.

    ``pull_from`` is the repository's name for the nodes, where that differs from ``target``'s.
    With ``candidates``, what is new gets a temporary tag (``candidate-…``); what is there under
    either tag is not built.

    Raises:
        BadPlan: the plan contradicts itself, or cannot be followed on this machine.
        KfslimError: whatever a stage raises; no tag was written for a step that is not whole.
    """
    check_plan(plan)
    store, traffic = context.store(target), Traffic()
    tags = _Tags(builder.mark, ("", CANDIDATE) if candidates else ("",))
    present = _present(context, plan.steps, store, tags)
    todo = [step for step in plan.steps if step.name not in present]
    if todo:
        store.check_push()
    done = present | (_build(context, builder, todo, store, traffic, tags) if todo else {})
    name = pull_from or nodes_name(target)
    steps = [
        BuiltStep(
            name=step.name,
            executor=step.executor,
            reference=f"{name}@{done[step.name].digest}",
            images=done[step.name].images,
            unchanged=step.name in present,
            tag=done[step.name].tag,
        )
        for step in plan.steps
    ]
    return Built(tuple(steps), traffic)


def nodes_name(target: Reference) -> str:
    """Return the repository as an image field spells it; a layout is ``localhost/<folder>``.

    A node cannot pull from a folder: this name holds its place until the layout is published and
    the pipeline pinned again.
    """
    if target.transport != "oci":
        return target.repository
    folder = target.name.rstrip("/").rpartition("/")[2].lower()
    safe = "".join(c if c.isascii() and c.isalnum() else "-" for c in folder).strip("-")
    return f"localhost/{safe or 'images'}"


@dataclass(frozen=True)
class _Tags:
    """Where images of one builder lie: under ``prefixes``, new ones under the last."""

    mark: str
    prefixes: tuple[str, ...]

    def of(self, step: StepPlan) -> list[str]:
        return [prefix + step.tag_by(self.mark) for prefix in self.prefixes]


def _present(
    context: Context, steps: Sequence[StepPlan], store: Store, tags: _Tags
) -> dict[str, _Done]:
    """Return the steps that ``store`` has under their tags, one tag tried after the other."""

    def find(step: StepPlan) -> _Done | None:
        asked = (_find(context, step, store, tag, tags.mark) for tag in tags.of(step))
        return next(filter(None, asked), None)

    with pool(_ASKING) as threads:
        found = threads.map(find, steps)
        return {step.name: done for step, done in zip(steps, found, strict=True) if done}


def _find(context: Context, step: StepPlan, store: Store, tag: str, mark: str) -> _Done | None:
    descriptor = store.resolve(tag)
    if descriptor is None:
        return None
    known = context.cache.get(_ROOM, _key(step, mark))
    if known and known.get("digest") == descriptor.digest:
        images = tuple(Measurement.model_validate(value) for value in known["images"])
        return _Done(descriptor.digest, tag, images)
    platforms = [Platform.parse(image.base.platform) for image in step.images]
    read = [store.read(descriptor.digest, platform) for platform in platforms]
    if any(_marks(image) != (step.step_digest, mark) for image in read):
        return None  # somebody else's image under our tag: build and replace it
    measured = tuple(measure_image(context, image, "") for image in read)
    done = _Done(descriptor.digest, tag, measured)
    _remember(context, step, mark, done)
    return done


def _marks(image: Image) -> tuple[str | None, str]:
    return image.labels.get(LABEL_STEP), image.labels.get(LABEL_BUILDER, "")


def _build(
    context: Context,
    builder: Builder,
    steps: Sequence[StepPlan],
    store: Store,
    traffic: Traffic,
    tags: _Tags,
) -> dict[str, _Done]:
    done = {}
    with closing(builder.build(context, steps, store, traffic)) as made:
        for step, assembled in made:
            done[step.name] = _publish(context, assembled, store, traffic, tags.of(step)[-1])
            _remember(context, step, tags.mark, done[step.name])
    return done


def _publish(
    context: Context, assembled: Assembled, store: Store, traffic: Traffic, tag: str
) -> _Done:
    whole = assembled.images[0] if len(assembled.images) == 1 else Index.build(assembled.images)
    traffic.add(store.write(whole, tag, context.progress))
    return _Done(whole.digest, tag, assembled.measurements)


def _remember(context: Context, step: StepPlan, mark: str, done: _Done) -> None:
    images = [image.model_dump(mode="json") for image in done.images]
    context.cache.put(_ROOM, _key(step, mark), {"digest": done.digest, "images": images})


def _key(step: StepPlan, mark: str) -> str:
    digest = step.step_digest.removeprefix("sha256:")
    return f"{mark}-{digest}" if mark else digest
