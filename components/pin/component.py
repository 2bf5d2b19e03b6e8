"""Write published digests into a compiled pipeline."""

from typing import List, NamedTuple, Optional

from kfp import dsl

from kfslim.dsl import kfslim_image, task_defaults


@task_defaults(retries=1)
@dsl.component(base_image=kfslim_image(), install_kfp_package=False)
def pin(
    pipeline: str,
    registry: str,
    pinned: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    summary: dsl.Output[dsl.Markdown],
    report: dsl.Output[dsl.HTML],
    plan: Optional[dsl.Input[dsl.Artifact]] = None,
    lock: str = "",
    images: List[str] = [],
    pull_from: str = "",
    config: str = "",
    insecure: bool = False,
) -> NamedTuple("Outputs", [("steps", int)]):
    """Pin every step of a plan to its published image, and drop its run-time pip install.

    Args:
        pipeline: The compiled pipeline, as YAML text or packed.
        registry: The repository that the images were published to.
        plan: The plan that was published, from the plan component.
        lock: The plan that was published, as JSON or packed.
        images: Published references that must be among the pinned ones: publish's outputs.
        pull_from: The repository's name for the nodes, where that differs: host/repo.
        config: Text of a kfslim.toml: the steps get the pull secrets of its cluster table.
        insecure: Allow plain HTTP and unverified TLS to registries beyond this machine.

    Returns:
        steps: How many steps were pinned.
        pinned: The pinned pipeline, as YAML; the KFP SDK loads it.
        metrics: Steps pinned and left alone, seconds.
        summary: The pinned steps as Markdown.
        report: The pinned steps as a page.
    """
    from kfslim.tasks.outputs import Shown
    from kfslim.tasks.pinning import pin

    done = pin(
        pipeline,
        registry,
        shown=Shown(summary.path, report.path),
        result=pinned.path,
        plan=plan.path if plan else None,
        lock=lock,
        images=images,
        pull_from=pull_from,
        config=config,
        insecure=insecure,
    )
    metrics.metadata.update(done.metrics)
    return (done.steps,)
