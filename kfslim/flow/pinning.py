"""Pinning a pipeline to images that were published before."""

from __future__ import annotations

from kfslim.errors import NotFound
from kfslim.flow.building import nodes_name
from kfslim.flow.context import Context
from kfslim.flow.reading import read_steps
from kfslim.model import Document
from kfslim.oci import Reference
from kfslim.pin import pin
from kfslim.plan.model import Plan


class Pinned(Document):
    """A pinned pipeline: its YAML, and executor label → reference by digest."""

    pipeline: str
    pins: dict[str, str]


def pin_published(
    context: Context,
    text: str,
    plan: Plan,
    target: Reference,
    pull_from: str | None = None,
    *,
    where: str = "",
) -> Pinned:
    """Pin the steps of ``plan`` in ``text`` to the images that ``target`` has under their tags.

    ``where`` is what messages call ``text``.

    Raises:
        NotFound: an image is not there.
        BadPipeline: ``text`` is no pipeline, or lacks a step of the plan.
    """
    read_steps(context, text, where)  # is it a pipeline at all?  Before anybody is asked.
    store, name = context.store(target), pull_from or nodes_name(target)
    pins = {}
    for step in plan.steps:
        descriptor = store.resolve(step.tag)
        if descriptor is None:
            raise NotFound(
                f"{target} has no image {step.tag} for step {step.name}",
                hint="Build the plan there first: kfslim build PLAN --to " + str(target),
            )
        pins[step.executor] = f"{name}@{descriptor.digest}"
    return Pinned(pipeline=pin(text, pins), pins=pins)
