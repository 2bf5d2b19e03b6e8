"""Slim a compiled pipeline, pin it, and upload it as the newest version.

A schedule that takes the newest version runs it from its next trigger on.  ``make compile`` writes
``pipeline.yaml`` beside this file.
"""

from typing import List  # noqa: UP035 (the SDK reads the annotations as they stand)

from kfp import dsl

from kfslim import components


@dsl.pipeline(name="each-step", description="Assemble and publish every step, side by side.")
def each_step(
    registry: str,
    steps: List[str],  # noqa: UP006
    plan: dsl.Input[dsl.Artifact],
    pull_from: str = "",
    config: str = "",
    insecure: bool = False,
) -> List[str]:  # noqa: UP006
    """Assemble and publish the steps of a plan; return their images."""
    with dsl.ParallelFor(steps) as step:
        made = components.assemble(
            registry=registry, plan=plan, step=step, config=config, insecure=insecure
        )
        published = components.publish(
            candidate=made.outputs["candidate"], pull_from=pull_from, insecure=insecure
        )
    return dsl.Collected(published.outputs["image"])


@dsl.pipeline(
    name="kfslim-refresh",
    description="Slim a compiled pipeline, pin it to published digests, upload it as a version.",
)
def refresh(
    pipeline: str = "",
    pipeline_id: str = "",
    registry: str = "localhost:5000/kfslim",
    pull_from: str = "",
    lock: str = "",
    upgrade: List[str] = [],  # noqa: B006, UP006 (an input's default)
    before: bool = True,
    config: str = "",
    namespace: str = "",
    insecure: bool = False,
):
    """Slim, pin and upload.

    Args:
        pipeline: The compiled pipeline, as YAML text or packed, as it was before slimming.
        pipeline_id: The pipeline that gets a version; empty: the one of that name, or a new one.
        registry: The repository that images go to: host/repo.
        pull_from: The repository's name for the nodes, where that differs: host/repo.
        lock: The plan to keep to (kfslim.lock.json, packed); empty: today's versions.
        upgrade: What to take newer than in the lock: packages, base (all bases), or all.
        before: Read the images that steps run on today, to keep to the versions in them.
        config: Text of a kfslim.toml; the pinned steps get the pull secrets of its cluster table.
        namespace: The namespace on a multi-user backend.
        insecure: Allow plain HTTP and unverified TLS to registries beyond the pod.
    """
    planned = components.plan(
        pipeline=pipeline,
        registry=registry,
        lock=lock,
        upgrade=upgrade,
        before=before,
        config=config,
        insecure=insecure,
    )
    published = each_step(
        registry=registry,
        steps=planned.outputs["steps"],
        plan=planned.outputs["plan"],
        pull_from=pull_from,
        config=config,
        insecure=insecure,
    )
    pinned = components.pin(
        pipeline=pipeline,
        registry=registry,
        plan=planned.outputs["plan"],
        images=published.output,
        pull_from=pull_from,
        config=config,
        insecure=insecure,
    )
    components.upload(
        pinned=pinned.outputs["pinned"],
        pipeline_id=pipeline_id,
        registry=registry,
        pull_from=pull_from,
        namespace=namespace,
        insecure=insecure,
    )
