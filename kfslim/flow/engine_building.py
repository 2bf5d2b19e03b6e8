"""Plan → images, built by a Docker Engine from the Dockerfiles that kfslim writes.

An engine needs its base as an image of its own: it is loaded under a name that begins with
``kfslim-base``, and stays for the next build.  What the engine made is read back, compressed, sent
to the destination as any image, and named in the engine as it is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import BinaryIO

from kfslim.context.leaks import leaks_among, told
from kfslim.dockerfile.model import BuildFiles
from kfslim.engine.connection import BuildEngine
from kfslim.engine.model import Build
from kfslim.engine.packing import packed
from kfslim.errors import BadPlan, GateError, Unsupported
from kfslim.flow.assembling import check_held, publish_bases
from kfslim.flow.bases import base_tag, open_base
from kfslim.flow.before import measure_image
from kfslim.flow.builders import ENGINE, AnyDialect, Assembled, Making
from kfslim.flow.building import nodes_name
from kfslim.flow.context import Context
from kfslim.flow.dockerfiles import build_files
from kfslim.flow.index_access import IndexAccess
from kfslim.flow.recompressing import for_engine, recompressed
from kfslim.flow.sending import sender
from kfslim.flow.traffic import Traffic
from kfslim.oci import Image, Platform, Store
from kfslim.oci.compress import current_codec
from kfslim.plan.model import LABEL_BUILDER, LABEL_STEP, ImagePlan, StepPlan

_BASE = "kfslim-base"  # the repository, in the engine, of bases that were loaded


class EngineBuilder:
    """Builds with the Docker Engine that the environment names; see ``flow.builders.Builder``."""

    mark = ENGINE

    def __init__(self, dialect: AnyDialect = "auto") -> None:
        self._dialect: AnyDialect = dialect

    def build(
        self, context: Context, steps: Sequence[StepPlan], store: Store, traffic: Traffic
    ) -> Making:
        """Yield each step with its images.

        Raises:
            StoreError: no engine answers, or it is too old.
            Unsupported: the engine cannot build for a plan's platform, or not in the dialect.
            ToolError: an instruction failed.
            KfslimError: what a stage raises; then nothing of that step is left in the engine.
        """
        with BuildEngine(self._dialect) as engine:
            work = _Work(context, engine, store, traffic)
            plans = [image for step in steps for image in step.images]
            bases = {plan.base.digest: work.base(plan) for plan in plans}
            publish_bases(context, plans, bases, store, traffic)
            for step in steps:
                yield from work.step(step)


class _Work:
    """One run's work in one engine."""

    def __init__(
        self, context: Context, engine: BuildEngine, store: Store, traffic: Traffic
    ) -> None:
        self._context, self._engine = context, engine
        self._store, self._traffic = store, traffic
        self._access = IndexAccess(context.uv.indexes)
        self._bases: dict[str, Image] = {}

    def base(self, plan: ImagePlan) -> Image:
        """Return the base of a plan."""
        digest = plan.base.digest
        if digest not in self._bases:
            self._bases[digest] = open_base(self._context, plan.base, plan.codec, self._store)
        return self._bases[digest]

    def step(self, step: StepPlan) -> Making:
        """Build a step; name the engine's image when it is published."""
        with ExitStack() as until_named:
            ids, images = [], []
            for plan in step.images:
                identity, image = until_named.enter_context(self._built(step, plan))
                ids.append(identity)
                images.append(image)
            measured = tuple(measure_image(self._context, image, "") for image in images)
            for plan, measurement in zip(step.images, measured, strict=True):
                check_held(plan, measurement, step.name)
            self._send(images)
            yield step, Assembled(tuple(images), measured)
            for identity in reversed(ids):  # of several platforms, the first keeps the name
                name = f"{nodes_name(self._store.reference)}:{step.tag_by(ENGINE)}"
                self._engine.name(identity, name)

    @contextmanager
    def _built(self, step: StepPlan, plan: ImagePlan) -> Iterator[tuple[str, Image]]:
        """Yield the image's id in the engine, and the image as registries keep it."""
        context, engine, base = self._context, self._engine, self.base(plan)
        name = f"{_BASE}:{base_tag(plan.base)}"
        loadable = for_engine(context.cache, base, context.progress)
        with engine.based(loadable, name, context.progress):
            files = build_files(context, step, plan, engine.dialect, name)
            files = self._access.with_certificates(files)
            check_files(step, files)
            with (
                packed(files.files) as archive,
                engine.built(self._build(step, plan, files, archive), context.progress) as identity,
            ):
                with engine.reading(identity) as saved:
                    _check(saved, step, plan)
                    codec = current_codec(plan.codec.name, plan.codec.level)
                    image = recompressed(context.cache, saved, base, codec, context.progress)
                yield identity, image

    def _build(
        self, step: StepPlan, plan: ImagePlan, files: BuildFiles, archive: BinaryIO
    ) -> Build:
        return Build(
            title=f"step {step.name}",
            context=archive,
            dockerfile=files.dockerfile,
            platform=Platform.parse(plan.base.platform),
            labels={LABEL_BUILDER: ENGINE},
            arguments=self._access.arguments(files),
            secrets=self._access.secrets(files),
        )

    def _send(self, images: Sequence[Image]) -> None:
        with sender(self._context, self._store, self._traffic) as sending:
            for image in images:
                for layer in image.layers:
                    sending.send(layer)


def check_files(step: StepPlan, files: BuildFiles) -> None:
    """Stop a build whose context holds a secret.

    Raises:
        GateError: it does.
    """
    if found := leaks_among(files.files):
        raise GateError(
            f"step {step.name}: the build context holds {told(found)}",
            hint="Keep it out of the project's folders: a line in .dockerignore does.",
        )


def _check(image: Image, step: StepPlan, plan: ImagePlan) -> None:
    """Hold what the engine made to the plan: its platform, and the step that its label names."""
    if not image.platform.matches(Platform.parse(plan.base.platform)):
        raise Unsupported(
            f"step {step.name}: the Docker Engine built for {image.platform}, "
            f"the plan says {plan.base.platform}"
        )
    if image.labels.get(LABEL_STEP) != step.step_digest:
        raise BadPlan(f"step {step.name}: the Docker Engine built from another plan")
