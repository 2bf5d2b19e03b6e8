"""Applies what can be done about findings, one after the other, each on a fresh reading."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from kfslim.review.edits import Edit, apply
from kfslim.review.fixes import offer, pinned
from kfslim.review.make import findings
from kfslim.review.model import Finding
from kfslim.review.scene import Scene

_MOST = 200  # fixes of one file


class Mended(NamedTuple):
    """The new text; what was done, with the lines at that time; and what is left."""

    text: str
    done: tuple[Finding, ...]
    left: tuple[Finding, ...]


def mend(
    text: str,
    scene_of: Callable[[str], Scene],
    only: Collection[str] = (),
    digests: Mapping[str, str] | None = None,
) -> Mended:
    """Mend a Dockerfile's ``text``; the same again changes nothing.

    ``only`` names the codes to mend, also those that are mended only when asked; empty: what is
    safe.  ``digests`` gives for a base's reference the one to write.  A fix after which its finding
    is still there is undone.
    """
    done: list[Finding] = []
    failed: set[tuple[str, str]] = set()
    for _ in range(_MOST):
        scene = scene_of(text)
        found = findings(scene)
        step = _next(text, scene, found, only, digests or {}, failed)
        if step is None:
            break
        finding, new = step
        again = Counter(one.code for one in findings(scene_of(new)))
        if again[finding.code] < Counter(one.code for one in found)[finding.code]:
            text = new
            done.append(finding)
        else:
            failed.add((finding.code, finding.message))
    return Mended(text, tuple(done), findings(scene_of(text)))


def _next(
    text: str,
    scene: Scene,
    found: Collection[Finding],
    only: Collection[str],
    digests: Mapping[str, str],
    failed: Collection[tuple[str, str]],
) -> tuple[Finding, str] | None:
    """Return the first finding that can be mended, and the text after that."""
    for finding in found:
        wanted = finding.code in only if only else finding.fix in ("safe", "pin")
        if not wanted or (finding.code, finding.message) in failed:
            continue
        made = _pins(scene, finding, digests) if finding.fix == "pin" else ()
        made = made or offer(scene, finding).edits
        if made and (new := apply(text, made)) != text:
            return finding, new
    return None


def _pins(scene: Scene, finding: Finding, digests: Mapping[str, str]) -> tuple[Edit, ...]:
    for stage in scene.dockerfile.stages:
        if stage.start.first == finding.line and stage.image in digests:
            return (pinned(stage.start, digests[stage.image]),)
    return ()
