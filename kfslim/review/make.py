"""Scene → :class:`Review`: every rule asked, every finding with what can be done about it."""

from __future__ import annotations

from kfslim.measure.model import WasteReason
from kfslim.review.fixes import offer
from kfslim.review.history import Joined
from kfslim.review.model import Finding, Review, Unread
from kfslim.review.rules import RULES
from kfslim.review.scene import Scene
from kfslim.review.syntax import Instruction

_WASTE: dict[str, WasteReason] = {"KS605": "apt-cache", "KS606": "pip-cache"}
_UNPINNED = "packages are not pinned by version or hash: the same Dockerfile may build other images"


def findings(scene: Scene) -> tuple[Finding, ...]:
    """Return what is wrong, in the order of lines, each with what ``kfslim fix`` does about it."""
    found = [one for rule in RULES for one in rule(scene)]
    found.sort(key=lambda one: (one.line or 1 << 30, one.code))
    return tuple(_decided(_weighed(one, found, scene), scene) for one in found)


def _decided(finding: Finding, scene: Scene) -> Finding:
    offered = offer(scene, finding)
    return finding.model_copy(update={"fix": offered.fix, "why_not": offered.why_not})


def _weighed(finding: Finding, all_: list[Finding], scene: Scene) -> Finding:
    """Tell what a cache weighs in the image, where only one line can have made it."""
    reason = _WASTE.get(finding.code)
    if not (reason and scene.image) or sum(one.code == finding.code for one in all_) > 1:
        return finding
    weight = sum(w.disk_bytes for w in scene.image.measurement.waste if w.reason == reason)
    return finding.model_copy(update={"disk_bytes": weight})


def review(scene: Scene, name: str, joined: Joined | None = None) -> Review:
    """Review the Dockerfile called ``name``; ``joined`` is its image's history."""
    measured = scene.image.measurement if scene.image else None
    return Review(
        dockerfile=name,
        image=measured.reference if measured else "",
        image_digest=measured.digest if measured else "",
        content_bytes=measured.content_bytes if measured else 0,
        disk_bytes=measured.disk_bytes if measured else 0,
        stages=len(scene.dockerfile.stages),
        findings=findings(scene),
        costs=joined.costs if joined else (),
        unread=tuple(
            Unread(line=one.first, last_line=one.last, why=one.why)
            for one in scene.dockerfile.unread
        ),
        notes=(*(joined.notes if joined else ()), *_unpinned(scene)),
    )


def _unpinned(scene: Scene) -> tuple[str, ...]:
    """Say it once for the whole file: pins are a matter of the lists, not of the Dockerfile."""
    loose = any(_is_loose(scene, one) for one in scene.shipped if one.keyword == "RUN")
    return (_UNPINNED,) if loose else ()


def _is_loose(scene: Scene, one: Instruction) -> bool:
    named = (name for call in scene.runs[one.first].calls if call.is_pip for name in call.names)
    return any("==" not in name and not name.startswith((".", "/", "$")) for name in named)
