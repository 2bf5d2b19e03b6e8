"""Needs + lock + base → the frozen plan of one step."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from kfslim.lock.model import Lock, Locked
from kfslim.plan.buckets import assign_layers
from kfslim.plan.model import (
    BasePlan,
    Bytecode,
    Codec,
    DebianPackage,
    ImagePlan,
    ProjectLayer,
)
from kfslim.plan.tried import Compiled, Cut

_OWN_LAYERS = 3  # environment, KFP executor, OS packages


@dataclass(frozen=True)
class Choices:
    """How an image is made, apart from what is in it.

    ``bytecode`` must be ``none`` where the base's interpreter cannot run on this machine.
    """

    bytecode: Bytecode
    prune: tuple[str, ...]
    codec: Codec


def plan_image(
    base: BasePlan,
    base_layers: int,
    provided: Collection[tuple[str, str]],
    lock: Lock,
    choices: Choices,
    *,
    runtime: Locked | None = None,
    os_packages: Sequence[DebianPackage] = (),
    projects: Sequence[ProjectLayer] = (),
) -> ImagePlan:
    """Plan one image.

    ``provided`` are the (name, version) pairs that the base's own site directories hold: they are
    not installed again.

    Raises:
        Unsupported: too many layers.
    """
    missing = [d for d in lock.distributions if (d.name, d.version) not in provided]
    taken = base_layers + _OWN_LAYERS + len(projects)
    return ImagePlan(
        base=base,
        lock=lock,
        runtime=runtime,
        os_packages=tuple(os_packages),
        layers=assign_layers(missing, choices.bytecode, taken),
        projects=tuple(projects),
        bytecode=choices.bytecode,
        prune=choices.prune,
        codec=choices.codec,
    )


def with_trace(
    image: ImagePlan, compiled: Sequence[Compiled], cut: Sequence[Cut] = ()
) -> ImagePlan:
    """Return the plan of ``image`` with what a trace of it decided.

    Its layers stay as they are assigned, so those of wheels are the ones that were tried.  The one
    with bytecode comes on top of as many as are assigned at most: Docker has room for it.
    """
    return image.model_copy(
        update={"bytecode": "trace", "compiled": tuple(compiled), "cut": tuple(cut)}
    )
