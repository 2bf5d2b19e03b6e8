"""Measuring a pipeline as it is, and pricing a list before anything is built."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from kfslim.errors import KfslimError
from kfslim.flow.before import measure_images
from kfslim.flow.context import Context
from kfslim.lock.job import Job
from kfslim.lock.model import Lock, Locked
from kfslim.lock.resolve import lock_many
from kfslim.measure.estimate import estimate
from kfslim.measure.model import Measurement, PipelineMeasure, RuntimeInstall
from kfslim.measure.pipeline import measure_pipeline
from kfslim.oci import Platform
from kfslim.steps.model import LeftAlone, Pipeline, Step
from kfslim.steps.needs import needs
from kfslim.steps.requirements import RequirementLine, merge_requirements


def measure_steps(context: Context, pipeline: Pipeline, platform: Platform) -> PipelineMeasure:
    """Measure what every step runs on, and estimate what it installs at every run.

    An image that cannot be read, or a list that cannot be resolved, is told with its reason.
    """
    references = {step.image for step in pipeline.steps if step.image and not step.left_alone}
    images = measure_images(context, references, platform)
    installs = runtime_installs(context, pipeline.steps, images, platform)
    return measure_pipeline(pipeline, images, installs)


def price(
    context: Context,
    lines: Sequence[RequirementLine],
    python: str,
    platform: Platform,
    what: str,
) -> tuple[Lock, RuntimeInstall]:
    """Resolve a list and estimate its weight from index metadata; nothing is downloaded.

    Raises:
        BadRequirement: it contradicts itself or cannot be resolved.
    """
    job = Job(merge_requirements(lines), python, platform, what=what)
    lock = lock_many(context.uv, [job], progress=context.progress)[0]
    return lock, estimate(lock.distributions)


def runtime_installs(
    context: Context,
    steps: Sequence[Step],
    images: Mapping[str, Measurement | str],
    platform: Platform,
) -> dict[str, RuntimeInstall]:
    """Estimate by step name what each step installs at every run, beyond what its image holds.

    Steps that install nothing are left out; so is, with a note, one whose list cannot be resolved.
    """
    installs = {}
    for step in steps:
        try:
            locks = lock_many(context.uv, _jobs(context, step, images, platform))
        except KfslimError as error:
            context.progress.note(f"step {step.name}: {error.message}")
            continue
        if locks:
            found = [locked for lock in locks for locked in lock.distributions]
            installs[step.name] = missing_weight(found, images.get(step.image))
    return installs


def _jobs(
    context: Context, step: Step, images: Mapping[str, Measurement | str], platform: Platform
) -> list[Job]:
    """What the step's preamble asks pip for: its packages, and kfp without dependencies."""
    declared, image = step.declared, images.get(step.image)
    old = image if isinstance(image, Measurement) else None
    need = needs(step, context.config, old)
    if isinstance(need, LeftAlone):
        return []
    where = f"packages_to_install of step {step.name}"
    packages = merge_requirements([RequirementLine(text, where) for text in declared.packages])
    jobs = []
    if packages:
        jobs.append(
            Job(packages, need.python, platform, need.constraints, need.indexes, what=where)
        )
    if declared.kfp_version:
        kfp = (f"kfp=={declared.kfp_version}",)
        jobs.append(Job(kfp, need.python, platform, dependencies=False, what=where))
    return jobs


def missing_weight(
    distributions: Iterable[Locked], image: Measurement | str | None
) -> RuntimeInstall:
    """Estimate the install of those ``distributions`` that ``image`` does not hold."""
    there = image.distributions if isinstance(image, Measurement) else ()
    held = {(d.name, d.version) for d in there}
    return estimate([d for d in distributions if (d.name, d.version) not in held])
