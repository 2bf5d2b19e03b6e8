"""Try a candidate before it is published."""

from kfp import dsl

from kfslim.dsl import kfslim_image, task_defaults
from kfslim.trial.task import BOOTSTRAP


@task_defaults(retries=1)
@dsl.container_component
def trial(
    question: dsl.Input[dsl.Artifact],
    answer: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    summary: dsl.Output[dsl.Markdown],
    report: dsl.Output[dsl.HTML],
):
    """Try a candidate: import what its step imports, look at what is installed, start its executor.

    Set the task's container image to the candidate. The task succeeds whatever it sees, since
    publish is what judges the answer. It gets neither credentials nor kfslim's cache.

    Args:
        question: What assemble asks of the candidate.

    Returns:
        answer: What was seen, for publish.
        metrics: Modules imported, modules that could not be, seconds.
        summary: What was seen as Markdown.
        report: What was seen as a page, with the log.
    """
    return dsl.ContainerSpec(
        image=kfslim_image(),
        command=["python3", "-I", "-c", BOOTSTRAP],
        args=[question.path, answer.path, summary.path, report.path, "{{$}}"],
    )
