"""The body of the ``publish`` component."""

from __future__ import annotations

from dataclasses import dataclass

from kfslim.flow.places import parse_pull_from
from kfslim.flow.promoting import Promoted, promote
from kfslim.oci import parse_reference
from kfslim.report.page import Page
from kfslim.report.sizes import human_bytes, human_seconds
from kfslim.tasks.outputs import Metrics, Shown
from kfslim.tasks.running import Stopwatch, task


@dataclass(frozen=True)
class Done:
    """``image`` is the whole reference by digest, as a pipeline's image field spells it."""

    image: str
    unchanged: bool
    metrics: Metrics


def publish(candidate: str, *, shown: Shown, pull_from: str = "", insecure: bool = False) -> Done:
    """Give ``candidate`` its final tag; its digest and its layers stay as they are."""
    watch = Stopwatch()
    with task(insecure=insecure) as context:
        made = promote(context, parse_reference(candidate), parse_pull_from(pull_from))
        shown.write(_page(made, watch.seconds))
        return Done(made.reference, made.unchanged, _metrics(made, watch.seconds))


def _page(made: Promoted, seconds: float) -> Page:
    facts = (
        ("Content", human_bytes(made.image.content_bytes)),
        ("Disk", human_bytes(made.image.disk_bytes)),
        ("Packages", str(len(made.image.distributions))),
        ("Pushed", human_bytes(made.written.pushed_bytes)),
        ("Took", human_seconds(seconds)),
        ("Image", made.reference),
        ("Tag", made.tag),
    )
    notes = ("It had this tag already; nothing was changed.",) if made.unchanged else ()
    return Page(f"Published: {made.tag}", facts, notes=notes)


def _metrics(made: Promoted, seconds: float) -> Metrics:
    return {
        "content_bytes": made.image.content_bytes,
        "disk_bytes": made.image.disk_bytes,
        "packages": len(made.image.distributions),
        "pushed_bytes": made.written.pushed_bytes,
        "unchanged": int(made.unchanged),
        "seconds": seconds,
    }
