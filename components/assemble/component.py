"""Assemble one step's image and push it as a candidate."""

from typing import List, NamedTuple, Optional

from kfp import dsl

from kfslim.dsl import kfslim_image, task_defaults


@task_defaults(retries=2)
@dsl.component(base_image=kfslim_image(), install_kfp_package=False)
def assemble(
    registry: str,
    plan_followed: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    summary: dsl.Output[dsl.Markdown],
    report: dsl.Output[dsl.HTML],
    question: dsl.Output[dsl.Artifact],
    plan: Optional[dsl.Input[dsl.Artifact]] = None,
    lock: str = "",
    pipeline: str = "",
    step: str = "",
    upgrade: List[str] = [],
    before: bool = True,
    pull_from: str = "",
    config: str = "",
    insecure: bool = False,
) -> NamedTuple("Outputs", [("candidate", str), ("unchanged", bool), ("image", str)]):
    """Assemble one step's image without a daemon, and push it under a temporary tag.

    What the registry has already, under the final tag or the temporary one, is not built again.

    Args:
        registry: The repository that the image goes to: host/repo.
        plan: The plan to follow, from the plan component.
        lock: The plan to follow, as JSON or packed: it travels with the pipeline.
        pipeline: The compiled pipeline, as YAML text or packed: without a plan, to upgrade, and for
            a trial, which needs the step's source.
        step: The step to assemble; empty where the plan has only one.
        upgrade: What to take newer than in the lock: packages, base (all bases), or all.
        before: When planning, read the image that the step runs on today.
        pull_from: The repository's name for the nodes, where that differs: host/repo.
        config: Text of a kfslim.toml.
        insecure: Allow plain HTTP and unverified TLS to registries beyond this machine.

    Returns:
        candidate: Repository, tag and digest in one: what publish takes.
        unchanged: True when the image was there already.
        image: The candidate by digest as nodes pull it: the container image of a trial's task.
        plan_followed: The step's plan, as JSON.
        metrics: Content and disk bytes before and after, packages, seconds, bytes pushed.
        summary: The image as Markdown.
        report: The image as a page.
        question: What a trial of the candidate is asked, for the trial component.
    """
    from kfslim.tasks.assembling import assemble
    from kfslim.tasks.outputs import Shown

    done = assemble(
        registry,
        shown=Shown(summary.path, report.path),
        result=plan_followed.path,
        question=question.path,
        plan=plan.path if plan else None,
        lock=lock,
        pipeline=pipeline,
        step=step,
        upgrade=upgrade,
        before=before,
        pull_from=pull_from,
        config=config,
        insecure=insecure,
    )
    metrics.metadata.update(done.metrics)
    return done.candidate, done.unchanged, done.image
