"""Base + finished layers → the image: stage two, nothing but stacking."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kfslim.oci.image import EPOCH, Image, Layer
from kfslim.plan.model import LABEL_STEP, LABEL_TRIAL, ImagePlan

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BASE_NAME, BASE_DIGEST = (
    "org.opencontainers.image.base.name",
    "org.opencontainers.image.base.digest",
)


class Stacked(NamedTuple):
    """A layer and the line that ``docker history`` shows for it."""

    layer: Layer
    created_by: str


def assemble(base: Image, layers: Iterable[Stacked], plan: ImagePlan, step_digest: str) -> Image:
    """Stack ``layers`` on ``base`` and say in labels what the image was made from.

    User, working directory, entry point and command stay the base's; the environment's ``bin``
    comes first on PATH, so that a KFP runner's ``python3`` is the environment's.
    """
    layers = tuple(layers)
    history = [
        {"created": EPOCH, "created_by": item.created_by, "comment": "kfslim"} for item in layers
    ]
    facts = made_from(plan, step_digest)
    return base.with_layers((item.layer for item in layers), history).with_config(
        env=environment(base.env, plan.environment), labels=facts, annotations=facts
    )


def environment(base: Mapping[str, str], folder: str) -> dict[str, str]:
    """Return the variables that make the environment in ``folder`` the one that runs."""
    path = base.get("PATH") or DEFAULT_PATH
    return {"PATH": f"{folder}/bin:{path}", "VIRTUAL_ENV": folder}


def made_from(plan: ImagePlan, step_digest: str) -> dict[str, str]:
    """Return the labels that say what an image was made from."""
    return {
        BASE_NAME: plan.base.asked,
        BASE_DIGEST: plan.base.digest,
        LABEL_STEP: step_digest,
        "io.kfslim.lock": plan.lock.fingerprint(),
        **({LABEL_TRIAL: plan.trial} if plan.trial else {}),
    }
