"""Give a candidate its final tag."""

from typing import NamedTuple, Optional

from kfp import dsl

from kfslim.dsl import kfslim_image, task_defaults


@task_defaults(retries=2)
@dsl.component(base_image=kfslim_image(), install_kfp_package=False)
def publish(
    candidate: str,
    metrics: dsl.Output[dsl.Metrics],
    summary: dsl.Output[dsl.Markdown],
    report: dsl.Output[dsl.HTML],
    trial: Optional[dsl.Input[dsl.Artifact]] = None,
    pull_from: str = "",
    insecure: bool = False,
) -> NamedTuple("Outputs", [("image", str), ("unchanged", bool)]):
    """Give a candidate its final tag: same digest, no layer moves.

    Args:
        candidate: What assemble pushed.
        trial: The answer of its trial; one that says no ends the task, and nothing is published.
        pull_from: The repository's name for the nodes, where that differs: host/repo.
        insecure: Allow plain HTTP and unverified TLS to registries beyond this machine.

    Returns:
        image: The whole reference by digest, for a task's container image.
        unchanged: True when the image had its tag already.
        metrics: Content and disk bytes, packages, bytes pushed, seconds; tried: 1 after a trial.
        summary: The image as Markdown.
        report: The image as a page.
    """
    from kfslim.tasks.outputs import Shown
    from kfslim.tasks.publishing import publish

    done = publish(
        candidate,
        shown=Shown(summary.path, report.path),
        trial=trial.path if trial else None,
        pull_from=pull_from,
        insecure=insecure,
    )
    metrics.metadata.update(done.metrics)
    return done.image, done.unchanged
