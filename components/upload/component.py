"""Upload a pinned pipeline as the newest version."""

from typing import NamedTuple

from kfp import dsl

from kfslim.dsl import kfslim_image, task_defaults


@task_defaults(retries=1)
@dsl.component(base_image=kfslim_image(), install_kfp_package=False)
def upload(
    pinned: dsl.Input[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    summary: dsl.Output[dsl.Markdown],
    report: dsl.Output[dsl.HTML],
    pipeline_id: str = "",
    registry: str = "",
    pull_from: str = "",
    host: str = "",
    namespace: str = "",
    insecure: bool = False,
) -> NamedTuple("Outputs", [("version_id", str), ("uploaded", bool)]):
    """Make a pinned pipeline the newest version, so that its schedules run it next.

    Every pinned image must be there first.  Schedules held to another version are replaced.

    Args:
        pinned: The pinned pipeline, from the pin component.
        pipeline_id: The pipeline that gets a version; empty: the one of that name, or a new one.
        registry: Where the pinned images are looked for, if the name for the nodes is another.
        pull_from: The repository's name for the nodes, where that differs from registry.
        host: URL of the Kubeflow Pipelines API; empty: this cluster's.
        namespace: The namespace on a multi-user backend.
        insecure: Allow plain HTTP and unverified TLS to registries beyond this machine.

    Returns:
        version_id: The id of the newest version.
        uploaded: False when the backend had it already.
        metrics: Images proven, schedules moved, 1 if a version was uploaded, seconds.
        summary: The version as Markdown.
        report: The version as a page.
    """
    from kfslim.tasks.outputs import Shown
    from kfslim.tasks.uploading import upload

    done = upload(
        pinned.path,
        shown=Shown(summary.path, report.path),
        pipeline_id=pipeline_id,
        registry=registry,
        pull_from=pull_from,
        host=host,
        namespace=namespace,
        insecure=insecure,
    )
    metrics.metadata.update(done.metrics)
    return done.version_id, done.uploaded
