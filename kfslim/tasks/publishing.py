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
from kfslim.tasks.trying import check_passed, facts_of, judge
from kfslim.trial.model import Verdict


@dataclass(frozen=True)
class Done:
    """``image`` is the whole reference by digest, as a pipeline's image field spells it."""

    image: str
    unchanged: bool
    metrics: Metrics


def publish(
    candidate: str,
    *,
    shown: Shown,
    trial: str | None = None,
    pull_from: str = "",
    insecure: bool = False,
) -> Done:
    """Give ``candidate`` its final tag; its digest and its layers stay as they are.

    ``trial`` is the path of the answer that its trial gave: one that says no ends the task.
    """
    watch = Stopwatch()
    with task(insecure=insecure) as context:
        reference, verdict = parse_reference(candidate), None
        if trial:
            verdict = judge(context, trial, reference)
            check_passed(verdict, reference)
        made = promote(context, reference, parse_pull_from(pull_from))
        shown.write(_page(made, verdict, watch.seconds))
        metrics = _metrics(made, watch.seconds) | {"tried": int(bool(verdict))}
        return Done(made.reference, made.unchanged, metrics)


def _page(made: Promoted, verdict: Verdict | None, seconds: float) -> Page:
    facts = (
        *(facts_of(verdict) if verdict else ()),
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
