"""A pipeline's totals: what one run makes a fresh node pull and install."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kfslim.measure.model import Measurement, PipelineMeasure, RuntimeInstall, StepMeasure
from kfslim.steps.model import Pipeline

NOT_MEASURED = "the image was not measured"
NO_IMAGE = "the step runs no image of its own"


def measure_pipeline(
    pipeline: Pipeline,
    images: Mapping[str, Measurement | str],
    installs: Mapping[str, RuntimeInstall],
) -> PipelineMeasure:
    """Join what was measured, step by step.

    ``images`` holds by image reference, as the pipeline spells it, the measurement or the reason
    why there is none; ``installs`` holds by step name what the step installs at every run.
    """
    steps = []
    for step in pipeline.steps:
        image = images.get(step.image, NOT_MEASURED) if step.image else NO_IMAGE
        steps.append(
            StepMeasure(
                name=step.name,
                reference=step.image,
                image=image if isinstance(image, Measurement) else None,
                runtime_install=installs.get(step.name),
                reason=image if isinstance(image, str) else "",
            )
        )
    measured = [step.image for step in steps if step.image is not None]
    return PipelineMeasure(
        pipeline=pipeline.name,
        steps=tuple(steps),
        unique_content_bytes=unique_content_bytes(measured),
        runtime_install_bytes=sum(i.content_bytes for s in steps if (i := s.runtime_install)),
    )


def unique_content_bytes(images: Iterable[Measurement]) -> int:
    """Return the content bytes of all layers, each counted once however many images share it."""
    return sum({la.digest: la.content_bytes for image in images for la in image.layers}.values())
