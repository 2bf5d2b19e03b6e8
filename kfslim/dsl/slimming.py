"""One line for the user: ``slim(train(...), registry)``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from kfslim.cluster.apply import apply_to_step
from kfslim.cluster.settings import ClusterSettings
from kfslim.dsl.ambient import in_cluster, settings
from kfslim.dsl.given import check_known, check_length, config_text, lock_text
from kfslim.dsl.hoist import at_root, check_constant, current_pipeline
from kfslim.dsl.one_step import command_without_install, one_step
from kfslim.plan.model import Plan
from kfslim.tasks.packing import pack

if TYPE_CHECKING:
    from kfp.dsl import PipelineTask

# pipeline under construction -> everything that decides an image -> the task that publishes it
_published: WeakKeyDictionary[Any, dict[str, Any]] = WeakKeyDictionary()


def slim(
    task: PipelineTask,
    registry: str,
    *,
    plan: Plan | Path | str | None = None,
    step: str = "",
    requirements: Sequence[str] = (),
    base: str = "",
    python: str = "",
    config: Path | str | None = None,
    upgrade: Sequence[str] = (),
    pull_from: str = "",
    before: bool = False,
    trial: bool = False,
    insecure: bool = False,
    image: str | None = None,
    cluster: ClusterSettings | None = None,
) -> PipelineTask:
    """Run ``task`` on its slim image, which tasks before it assemble and publish; return it.

    Two tasks of one component share one image; the tasks before it stand outside of loops and
    conditions.  ``task`` loses its run-time ``pip install``; other tasks stay as they are.

    Args:
        task: A task of a single-step component, inside a pipeline.
        registry: The repository that images go to; may be an input of the pipeline.
        plan: What ``kfslim plan`` wrote for this pipeline, or its file.  It travels with the
            compiled pipeline, and no run takes other versions.  Without it, every run resolves
            anew what the component declares.
        step: The step's name in ``plan``, where it is not the component's.
        requirements: What the step needs beside what its component declares.
        base: The base image, ``deb:SUITE`` or a reference.
        python: ``3.11``: run the step on this Python.
        config: A ``kfslim.toml`` instead of the three above.
        upgrade: Names to take newer versions of than ``plan`` has; may be an input of the pipeline.
        pull_from: The repository's name for the nodes, where that differs.
        before: Read the step's old image too, to keep to its versions and to report its size.
        trial: Try the image in a task of its own before it is published: import what the step
            imports, start its executor.
        insecure: Allow plain HTTP to registries beyond this machine.
        image: The image of kfslim's own tasks (default: ``KFSLIM_IMAGE``, or this version's).
        cluster: How kfslim's tasks run, and the step's pull secrets (default: ``in_cluster``).

    Raises:
        InputError: the task has no image of its own, or there is no pipeline around it.
        BadPlan: ``plan`` does not hold what the component declares.
    """
    name = task.component_spec.name
    pipeline = current_pipeline(name)
    wanted = list(upgrade) if isinstance(upgrade, list | tuple) else upgrade
    given = {"registry": registry, "upgrade": wanted, "pull_from": pull_from}
    check_constant(name, **given)
    text, found = one_step(task)
    packed = pack(text)
    lock = lock_text(plan, found, step)
    settled = config_text(config, requirements, base, python)
    check_known(found, lock, settled)
    check_length(name, packed, lock, settled)
    more = {"pipeline": packed, "lock": lock, "config": settled, "before": before}
    with in_cluster(cluster):
        key = repr({**given, **more, "insecure": insecure, "image": image, "trial": trial})
        known = _published.setdefault(pipeline, {})
        if key not in known:
            with at_root(pipeline):
                known[key] = _publish(found.name, image, insecure, trial, more, given)
        task.set_container_image(known[key].outputs["image"])
        task.container_spec.command = command_without_install(task.container_spec.command, found)
        return apply_to_step(task, settings())


def _publish(
    name: str,
    image: str | None,
    insecure: bool,
    trial: bool,
    more: dict[str, Any],
    given: dict[str, Any],
) -> Any:
    """Make the tasks that assemble, try and publish one image; return the last one."""
    from kfslim import components

    made = components.assemble(insecure=insecure, **given, **more).set_display_name(
        f"assemble {name}"
    )
    answer = _try(name, made) if trial else {}
    done = components.publish(
        candidate=made.outputs["candidate"],
        pull_from=given["pull_from"],
        insecure=insecure,
        **answer,
    ).set_display_name(f"publish {name}")
    if image:
        made.set_container_image(image)
        done.set_container_image(image)
    return done


def _try(name: str, made: Any) -> dict[str, Any]:
    """Make the task that tries what ``made`` assembles; return what it tells ``publish``."""
    from kfslim import components

    task = components.trial(question=made.outputs["question"]).set_display_name(f"try {name}")
    task.set_container_image(made.outputs["image"])
    return {"trial": task.outputs["answer"]}
