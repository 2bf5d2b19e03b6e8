"""The body of the ``measure`` component."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kfslim.errors import InputError
from kfslim.flow.before import measure_reference
from kfslim.flow.measuring import measure_steps
from kfslim.flow.reading import read_steps
from kfslim.measure.model import Measurement, PipelineMeasure
from kfslim.measure.pipeline import unique_content_bytes
from kfslim.model import Document
from kfslim.oci import Platform
from kfslim.report.pages import measured_page
from kfslim.tasks.outputs import Metrics, Shown
from kfslim.tasks.packing import unpack
from kfslim.tasks.running import Stopwatch, task


class Measured(Document):
    """The JSON artifact of ``measure``: images and pipelines, in the order that they were given."""

    images: tuple[Measurement, ...] = ()
    pipelines: tuple[PipelineMeasure, ...] = ()


@dataclass(frozen=True)
class Done:
    """``content_bytes`` is what a fresh node pulls for all that was measured."""

    content_bytes: int
    metrics: Metrics


def measure(
    images: Sequence[str],
    pipeline: str,
    *,
    shown: Shown,
    result: str,
    platform: str = "",
    config: str = "",
    insecure: bool = False,
) -> Done:
    """Measure ``images`` (references) and the steps of ``pipeline`` (compiled YAML, as text)."""
    watch = Stopwatch()
    with task(config, insecure=insecure) as context:
        if not (images or pipeline.strip()):
            raise InputError("nothing to measure: name images, or give a compiled pipeline")
        wanted = Platform.parse(platform) if platform else Platform()
        singles = tuple(measure_reference(context, image, wanted) for image in images)
        pipelines: tuple[PipelineMeasure, ...] = ()
        if pipeline.strip():
            steps = read_steps(context, unpack(pipeline), "the pipeline")
            pipelines = (measure_steps(context, steps, wanted),)
        Measured(images=singles, pipelines=pipelines).save(Path(result))
        shown.write(measured_page(singles, pipelines))
        return _done(singles, pipelines, watch.seconds)


def _done(
    singles: Sequence[Measurement], pipelines: Sequence[PipelineMeasure], seconds: float
) -> Done:
    steps = [step.image for one in pipelines for step in one.steps if step.image]
    found = [*singles, *steps]
    content = unique_content_bytes(found)
    disk = {layer.digest: layer.disk_bytes for image in found for layer in image.layers}
    metrics: Metrics = {
        "content_bytes": content,
        "disk_bytes": sum(disk.values()),
        "packages": len({(d.name, d.version) for image in found for d in image.distributions}),
        "images": len({image.digest for image in found}),
        "runtime_install_bytes": sum(one.runtime_install_bytes for one in pipelines),
        "seconds": seconds,
    }
    return Done(content, metrics)
