"""Pinning a pipeline to images that were published before."""

from __future__ import annotations

from collections.abc import Mapping

from kfslim.errors import NotFound
from kfslim.flow.builders import Builder
from kfslim.flow.building import DAEMONLESS, nodes_name
from kfslim.flow.context import Context
from kfslim.flow.reading import read_steps
from kfslim.model import Document
from kfslim.oci import Reference
from kfslim.pin import pin, with_pull_secrets
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
    builder: Builder = DAEMONLESS,
) -> Pinned:
    """Pin the steps of ``plan`` in ``text`` to the images that ``target`` has under their tags.

    ``where`` is what messages call ``text``; ``builder`` is the one that made the images.

    Raises:
        NotFound: an image is not there.
        BadPipeline: ``text`` is no pipeline, or lacks a step of the plan.
    """
    read_steps(context, text, where)  # is it a pipeline at all?  Before anybody is asked.
    store, name = context.store(target), pull_from or nodes_name(target)
    pins = {}
    for step in plan.steps:
        tag = step.tag_by(builder.mark)
        descriptor = store.resolve(tag)
        if descriptor is None:
            raise NotFound(
                f"{target} has no image {tag} for step {step.name}",
                hint="Build the plan there first: kfslim build PLAN --to " + str(target),
            )
        pins[step.executor] = f"{name}@{descriptor.digest}"
    return Pinned(pipeline=pin_text(context, text, pins), pins=pins)


def pin_text(context: Context, text: str, pins: Mapping[str, str]) -> str:
    """Pin the executors in ``pins``, and give them the pull secrets that the config names.

    Raises:
        BadPipeline: ``text`` is no pipeline, or lacks one of them.
    """
    secrets = context.config.cluster.pull_secrets
    return with_pull_secrets(pin(text, pins), pins, secrets)
