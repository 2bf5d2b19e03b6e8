"""Measure images, or all steps of a compiled pipeline."""

from typing import List, NamedTuple

from kfp import dsl

from kfslim.dsl import kfslim_image, task_defaults


@task_defaults(retries=2)
@dsl.component(base_image=kfslim_image(), install_kfp_package=False)
def measure(
    measured: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    summary: dsl.Output[dsl.Markdown],
    report: dsl.Output[dsl.HTML],
    images: List[str] = [],
    pipeline: str = "",
    platform: str = "linux/amd64",
    config: str = "",
    insecure: bool = False,
) -> NamedTuple("Outputs", [("content_bytes", int)]):
    """Measure what images hold, in compressed (content) and uncompressed (disk) bytes.

    Args:
        images: References to measure, such as python:3.11 or host/repo@sha256:….
        pipeline: A compiled pipeline, as YAML text or packed: what every step runs on.
        platform: Which image of a multi-platform one to read.
        config: Text of a kfslim.toml: indexes for estimating what steps install at every run.
        insecure: Allow plain HTTP and unverified TLS to registries beyond this machine.

    Returns:
        content_bytes: What a fresh node pulls for all of it; a shared layer counts once.
        measured: Everything that was found, as JSON.
        metrics: Content and disk bytes, packages, images, run-time installs, seconds.
        summary: The figures as Markdown.
        report: The figures as a page.
    """
    from kfslim.tasks.measuring import measure
    from kfslim.tasks.outputs import Shown

    done = measure(
        images,
        pipeline,
        shown=Shown(summary.path, report.path),
        result=measured.path,
        platform=platform,
        config=config,
        insecure=insecure,
    )
    metrics.metadata.update(done.metrics)
    return (done.content_bytes,)
