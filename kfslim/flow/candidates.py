"""Plans of steps → images on this machine to be tried: published ones, or made and not sent."""

from __future__ import annotations

import platform
from collections.abc import Iterable

from kfslim.errors import NotFound
from kfslim.flow.aside import Aside
from kfslim.flow.assembling import assemble_steps
from kfslim.flow.context import Context
from kfslim.flow.traffic import Traffic
from kfslim.oci import Image, Platform, Store
from kfslim.plan.check import check_plan
from kfslim.plan.model import LABEL_STEP, ImagePlan, Plan, StepPlan

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class Candidates:
    """The images that plans come to, each made once.  ``target`` is where they may lie already."""

    def __init__(self, context: Context, target: Store) -> None:
        self._context, self._target = context, target
        self._images: dict[str, Image] = {}

    def make(self, steps: Iterable[StepPlan]) -> None:
        """Make the images of ``steps`` together: what they share is made once.

        Raises:
            BadPlan: a plan contradicts itself, or cannot be followed on this machine.
            KfslimError: what a stage raises.
        """
        new = {step.step_digest: step for step in steps if step.step_digest not in self._images}
        for digest, step in list(new.items()):
            check_plan(Plan(pipeline="", steps=(step,)))
            if (image := self._published(step)) is not None:
                self._images[digest] = image
                del new[digest]
        store = Aside(self._target)
        for step, assembled in assemble_steps(self._context, [*new.values()], store, Traffic()):
            self._images[step.step_digest] = assembled.images[place_here(step)]

    def image(self, step: StepPlan) -> Image:
        """Return the image of ``step`` for this machine.

        Raises:
            As :meth:`make`.
        """
        self.make([step])
        return self._images[step.step_digest]

    def _published(self, step: StepPlan) -> Image | None:
        """Return the image that lies under the step's final tag; None if there is none."""
        if self._target.resolve(step.tag) is None:
            return None
        wanted = Platform.parse(image_here(step).base.platform)
        try:
            image = self._target.read(step.tag, wanted)
        except NotFound:
            return None
        return image if image.labels.get(LABEL_STEP) == step.step_digest else None


def place_here(step: StepPlan) -> int:
    """Return which of a step's images runs on this machine; the first where none does."""
    here = f"linux/{_ARCHITECTURES.get(platform.machine(), '')}"
    platforms = [image.base.platform for image in step.images]
    return platforms.index(here) if here in platforms else 0


def image_here(step: StepPlan) -> ImagePlan:
    """Return the plan of the image that runs on this machine."""
    return step.images[place_here(step)]
