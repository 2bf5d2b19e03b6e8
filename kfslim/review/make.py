"""Scene → :class:`Review`: every rule asked, every finding with what can be done about it."""

from __future__ import annotations

from collections.abc import Iterable

from kfslim.measure.model import WasteReason
from kfslim.review.fixes import offer
from kfslim.review.history import Joined
from kfslim.review.model import Finding, Review, Unread
from kfslim.review.rules import RULES
from kfslim.review.scene import Scene

_WASTE: dict[str, WasteReason] = {"KS605": "apt-cache", "KS606": "pip-cache"}
_UNPINNED = "packages are not pinned by version or hash: the same Dockerfile may build other images"


def findings(scene: Scene) -> tuple[Finding, ...]:
    """Return what is wrong, in the order of lines, each with what ``kfslim fix`` does about it."""
    found = _merged(one for rule in RULES for one in rule(scene))
    found.sort(key=lambda one: (one.line or 1 << 30, one.code))
    return tuple(_decided(_weighed(one, found, scene), scene) for one in found)


def _merged(found: Iterable[Finding]) -> list[Finding]:
    """Put together what the Dockerfile and the image tell of the same line."""
    by_place: dict[tuple[str, int], Finding] = {}
    for one in found:
        known = by_place.setdefault((one.code, one.line), one)
        if known is not one:
            sizes = [size for size in (known.disk_bytes, one.disk_bytes) if size is not None]
            update = {
                "message": f"{known.message}; {one.message}",
                "disk_bytes": max(sizes, default=None),
            }
            by_place[one.code, one.line] = known.model_copy(update=update)
    return list(by_place.values())


def _decided(finding: Finding, scene: Scene) -> Finding:
    offered = offer(scene, finding)
    return finding.model_copy(update={"fix": offered.fix, "why_not": offered.why_not})


def _weighed(finding: Finding, all_: list[Finding], scene: Scene) -> Finding:
    """Tell what a cache weighs in the image, where only one line can have made it."""
    reason = _WASTE.get(finding.code)
    if not (reason and scene.image) or sum(one.code == finding.code for one in all_) > 1:
        return finding
    measured = scene.image.measurement
    weight = sum(w.disk_bytes for w in measured.waste if w.reason == reason)
    layers = zip(scene.lines, measured.layers, strict=False)
    made = [layer.disk_bytes for line, layer in layers if line == finding.line]
    weight = min([weight, *made])  # the base may keep some, too
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
    named = (name for _, call in scene.installs if call.is_pip for name in call.names)
    loose = any("==" not in name and not name.startswith((".", "/", "$")) for name in named)
    return (_UNPINNED,) if loose else ()
