"""Measurements → :class:`~kfslim.report.model.Report`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from kfslim.audit.model import Finding
from kfslim.measure.model import Measurement, StepMeasure
from kfslim.report.model import (
    Before,
    DistributionReport,
    Footprint,
    Gone,
    LayerReport,
    Report,
    StepReport,
    Totals,
    Traffic,
    TrialReport,
)
from kfslim.steps.model import LeftAlone


@dataclass(frozen=True)
class StepResult:
    """One slimmed step as ``slim`` knows it.

    ``reference`` is by digest, as a pipeline spells it; ``before`` is the step's measurement before
    slimming, None when nobody looked (``before_reason`` says why).
    """

    name: str
    reference: str
    base: str
    image: Measurement
    before_reference: str
    before: StepMeasure | None = None
    before_reason: str = "not measured"
    notes: tuple[str, ...] = ()
    gone: tuple[Gone, ...] = ()
    trial: TrialReport | None = None


def make_report(
    pipeline: str,
    results: Iterable[StepResult],
    *,
    left_alone: Iterable[LeftAlone] = (),
    findings: Iterable[Finding] = (),
    traffic: Traffic | None = None,
    seconds: Mapping[str, float] | None = None,
) -> Report:
    """Put the results of one run together."""
    results = tuple(results)
    steps_with = Counter(digest for r in results for digest in {x.digest for x in r.image.layers})
    return Report(
        pipeline=pipeline,
        base=", ".join(dict.fromkeys(r.base for r in results)),
        steps=tuple(_step(result, steps_with) for result in results),
        left_alone=tuple(left_alone),
        findings=tuple(findings),
        totals=_totals(results, traffic or Traffic(), dict(seconds or {})),
    )


def _step(result: StepResult, steps_with: Mapping[str, int]) -> StepReport:
    image = result.image
    return StepReport(
        name=result.name,
        reference=result.reference,
        base=result.base,
        python=image.python.version if image.python else "",
        content_bytes=image.content_bytes,
        disk_bytes=image.disk_bytes,
        distributions=tuple(
            DistributionReport(name=d.name, version=d.version, disk_bytes=d.disk_bytes)
            for d in sorted(image.distributions, key=lambda d: (-d.disk_bytes, d.name))
        ),
        layers=_layers(image, steps_with),
        before=_before(result),
        runtime_install=result.before.runtime_install if result.before else None,
        notes=result.notes,
        gone=result.gone,
        trial=result.trial,
    )


def _layers(image: Measurement, steps_with: Mapping[str, int]) -> tuple[LayerReport, ...]:
    names: dict[int, list[str]] = defaultdict(list)
    for distribution in image.distributions:
        names[distribution.layer].append(distribution.name)
    return tuple(
        LayerReport(
            digest=layer.digest,
            content_bytes=layer.content_bytes,
            disk_bytes=layer.disk_bytes,
            names=tuple(sorted(names[index])),
            created_by=layer.command,
            shared=steps_with[layer.digest],
        )
        for index, layer in enumerate(image.layers)
    )


def _before(result: StepResult) -> Before:
    measured = result.before
    if measured is None or measured.image is None:
        reason = (measured.reason if measured else "") or result.before_reason
        return Before(reference=result.before_reference, reason=reason)
    return Before(
        reference=result.before_reference,
        content_bytes=measured.image.content_bytes,
        disk_bytes=measured.image.disk_bytes,
        distributions=len(measured.image.distributions),
    )


def _totals(results: Sequence[StepResult], traffic: Traffic, seconds: dict[str, float]) -> Totals:
    old = [r.before.image for r in results if r.before and r.before.image]
    installs = [r.before.runtime_install for r in results if r.before and r.before.runtime_install]
    return Totals(
        before=footprint(old) if old and len(old) == len(results) else None,
        after=footprint([r.image for r in results]),
        runtime_install_distributions=sum(i.distributions for i in installs),
        runtime_install_content_bytes=sum(i.content_bytes for i in installs),
        runtime_install_disk_bytes=sum(i.disk_bytes for i in installs),
        traffic=traffic,
        seconds=seconds,
    )


def footprint(images: Sequence[Measurement]) -> Footprint:
    """Return what a fresh node pulls for ``images``; a layer that several have counts once."""
    unique = {layer.digest: layer for image in images for layer in image.layers}
    return Footprint(
        content_bytes=sum(layer.content_bytes for layer in unique.values()),
        disk_bytes=sum(layer.disk_bytes for layer in unique.values()),
        summed_content_bytes=sum(image.content_bytes for image in images),
        median_content_bytes=round(median([image.content_bytes for image in images] or [0])),
    )
