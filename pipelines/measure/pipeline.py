"""Measure images, or all that the steps of a compiled pipeline run on.

``make compile`` writes ``pipeline.yaml`` beside this file.
"""

from typing import List  # noqa: UP035 (the SDK reads the annotations as they stand)

from kfp import dsl

from kfslim import components


@dsl.pipeline(
    name="kfslim-measure",
    description="What images hold, and what a pipeline's steps pull and install at every run.",
)
def measure(
    images: List[str] = ["python:3.11"],  # noqa: B006, UP006 (an input's default)
    pipeline: str = "",
    platform: str = "linux/amd64",
    config: str = "",
    insecure: bool = False,
):
    """Measure images, or a pipeline.

    Args:
        images: References to measure, such as python:3.11 or host/repo@sha256:….
        pipeline: A compiled pipeline, as YAML text or packed: what every step runs on.
        platform: Which image of a multi-platform one to read.
        config: Text of a kfslim.toml: indexes for estimating what steps install at every run.
        insecure: Allow plain HTTP and unverified TLS to registries beyond the pod.
    """
    components.measure(
        images=images, pipeline=pipeline, platform=platform, config=config, insecure=insecure
    )
