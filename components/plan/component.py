"""Plan the slim images of a compiled pipeline."""

from typing import List, NamedTuple

from kfp import dsl

from kfslim.dsl import kfslim_image, task_defaults


@task_defaults(retries=2)
@dsl.component(base_image=kfslim_image(), install_kfp_package=False)
def plan(
    pipeline: str,
    plan: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    summary: dsl.Output[dsl.Markdown],
    report: dsl.Output[dsl.HTML],
    registry: str = "",
    lock: str = "",
    upgrade: List[str] = [],
    before: bool = True,
    config: str = "",
    insecure: bool = False,
) -> NamedTuple("Outputs", [("steps", List[str])]):
    """Decide, byte for byte, what the image of every step will hold; build nothing.

    Args:
        pipeline: A compiled pipeline, as YAML text or packed.
        registry: The repository that images will go to; bases are looked for there first.
        lock: An earlier plan, as JSON or packed, whose versions and bases are kept.
        upgrade: What to take newer than in the lock: packages, base (all bases), or all.
        before: Read the images that steps run on today, to keep to the versions in them.
        config: Text of a kfslim.toml.
        insecure: Allow plain HTTP and unverified TLS to registries beyond this machine.

    Returns:
        steps: The names of the steps to assemble.
        plan: The plan, as JSON: what assemble and pin follow.
        metrics: Steps, packages, wheels, content bytes before, seconds.
        summary: The plan as Markdown.
        report: The plan as a page.
    """
    from kfslim.tasks.outputs import Shown
    from kfslim.tasks.planning import plan as make

    done = make(
        pipeline,
        shown=Shown(summary.path, report.path),
        result=plan.path,
        registry=registry,
        lock=lock,
        upgrade=upgrade,
        before=before,
        config=config,
        insecure=insecure,
    )
    metrics.metadata.update(done.metrics)
    return (done.steps,)
