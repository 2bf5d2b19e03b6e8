"""What the image stands on, and whom it runs as."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfslim.review.model import Finding
from kfslim.review.rules.rule import found
from kfslim.review.scene import Scene
from kfslim.review.variables import fill

_EXACT = re.compile(r"(?<![\d.])\d+\.\d+\.\d+|(?<!\d)\d{8}(?!\d)")  # a patch release, or a day
_ROOT = re.compile(r"(?:root|0)(?::.*)?")
_TAG = re.compile(r"(?<!/)(?<=.):([\w][\w.-]*)$")


def floating(scene: Scene) -> Iterator[Finding]:
    """KS609: a base without digest whose tag names no patch release."""
    for stage in scene.dockerfile.stages:
        image = stage.image
        if stage.parent >= 0 or image.lower() == "scratch" or "@" in image or "$" in image:
            continue
        match = _TAG.search(image.rpartition("/")[2])
        tag = match[1] if match else ""
        if not tag:
            yield found("KS609", stage.start, f"{image} has no tag: latest is taken")
        elif not _EXACT.search(tag):
            yield found("KS609", stage.start, f"{tag} names no exact release")


def root(scene: Scene) -> Iterator[Finding]:
    """KS610: no user at the end, or root."""
    stage = scene.dockerfile.final
    if stage is None:
        return
    users = [one for one in scene.final if one.keyword == "USER"]
    if users:
        user = fill(users[-1].arguments.text.strip(), scene.known(users[-1]))
        if _ROOT.fullmatch(user):
            yield found("KS610", users[-1], f"the last USER is {user}")
    elif not _base_has_user(scene):
        ends = [one for one in stage.instructions if one.keyword in ("CMD", "ENTRYPOINT")]
        yield found("KS610", ends[-1] if ends else stage.start, "there is no USER")


def _base_has_user(scene: Scene) -> bool:
    if scene.image:
        return not _ROOT.fullmatch(scene.image.user or "root")
    stage = scene.dockerfile.final
    lowest = list(scene.dockerfile.lineage(stage))[-1].image if stage else ""
    return "nonroot" in lowest or "unprivileged" in lowest
