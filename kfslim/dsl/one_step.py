"""A task under construction → a compiled pipeline of one step, which the library can read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format
from kfp.dsl.base_component import BlockPipelineTaskRegistration

from kfslim.errors import InputError
from kfslim.steps.executors import installs_at_run_time
from kfslim.steps.ir import read_pipeline
from kfslim.steps.model import Step
from kfslim.steps.preamble import PREAMBLE_ITEMS

if TYPE_CHECKING:
    from kfp.dsl import PipelineTask

_IMAGE_INPUT = "base_image"  # the input that the compiler adds to a step whose image is dynamic


def one_step(task: PipelineTask) -> tuple[str, Step]:
    """Return the pipeline as text (JSON, which is YAML) and its only step.

    Raises:
        InputError: the task runs no container of its own, or its image is dynamic already.
    """
    name = task.component_spec.name
    _check_kind(task, name)
    with BlockPipelineTaskRegistration():
        spec = task.component_spec.to_pipeline_spec()
    value = json_format.MessageToDict(spec)
    (executor,) = value["deploymentSpec"]["executors"].values()
    executor["container"]["image"] = str(task.container_spec.image)
    text = json.dumps(value, sort_keys=True)
    (step,) = read_pipeline(text, f"component {name}").steps
    if step.left_alone:
        raise InputError(f"slim({name}): {step.left_alone}")
    return text, step


def _check_kind(task: PipelineTask, name: str) -> None:
    if task.pipeline_spec is not None:
        raise InputError(
            f"slim({name}): a pipeline used as a component has no image of its own, each of its "
            "steps has one",
            hint="Call slim on the tasks inside that pipeline.",
        )
    if task.container_spec is None:
        raise InputError(f"slim({name}): it runs no container, so it has no image to slim")
    if _IMAGE_INPUT in (task.component_spec.inputs or {}):
        raise InputError(
            f"slim({name}): it has an input called {_IMAGE_INPUT}, the name under which the KFP "
            "compiler passes an image that is chosen at run time",
            hint="Rename the input.",
        )


def command_without_install(command: list[Any], step: Step) -> list[Any]:
    """Return a task's command without the run-time ``pip install`` in front, if there is one."""
    return command[PREAMBLE_ITEMS:] if installs_at_run_time(step) else command
