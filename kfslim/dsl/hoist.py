"""Making tasks outside of the loops and conditions that the code stands in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kfp.dsl.for_loop import LoopArgumentVariable, LoopParameterArgument
from kfp.dsl.pipeline_channel import PipelineChannel
from kfp.dsl.pipeline_context import Pipeline

from kfslim.errors import InputError


def current_pipeline(name: str) -> Any:
    """Return the pipeline that is being written down.

    Raises:
        InputError: there is none.
    """
    pipeline = Pipeline.get_default_pipeline()
    if pipeline is None:
        raise InputError(
            f"slim({name}): call it inside a function decorated with @dsl.pipeline",
            hint="kfp.local does not run dynamic images: pin the pipeline and run that.",
        )
    return pipeline


@contextmanager
def at_root(pipeline: Any) -> Iterator[None]:
    """Make the block's tasks members of the pipeline itself, not of the groups around it."""
    groups = list(pipeline.groups)
    pipeline.groups[:] = groups[:1]
    try:
        yield
    finally:
        pipeline.groups[:] = groups


def check_constant(name: str, **arguments: Any) -> None:
    """Refuse values that differ from one iteration or branch to the next.

    Raises:
        InputError: an argument is the output of a task, or a loop's item.
    """
    for key, value in arguments.items():
        if not isinstance(value, PipelineChannel):
            continue
        if value.task_name or isinstance(value, LoopParameterArgument | LoopArgumentVariable):
            raise InputError(
                f"slim({name}): {key} must be a constant or an input of the pipeline, because "
                "images are assembled before loops and conditions are entered"
            )
