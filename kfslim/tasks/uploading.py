"""The body of the ``upload`` component."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from kfslim.flow.places import parse_pull_from, parse_target
from kfslim.flow.scheduling import upload_version
from kfslim.report.page import Page, PageTable
from kfslim.report.sizes import counted, human_seconds
from kfslim.schedule.api import Backend
from kfslim.schedule.model import Scheduled
from kfslim.tasks.inputs import read_text
from kfslim.tasks.outputs import Metrics, Shown
from kfslim.tasks.running import Stopwatch, task


@dataclass(frozen=True)
class Done:
    """``uploaded`` is false when the backend had the version already."""

    version_id: str
    uploaded: bool
    metrics: Metrics


def upload(
    pinned: str,
    *,
    shown: Shown,
    pipeline_id: str = "",
    registry: str = "",
    pull_from: str = "",
    host: str = "",
    namespace: str = "",
    insecure: bool = False,
) -> Done:
    """Make the pipeline in the file ``pinned`` the newest version, once its images are proven."""
    watch = Stopwatch()
    with task(insecure=insecure, registry=False) as context:
        context.config = context.config.model_copy(update=_places(registry, pull_from))
        with closing(Backend(host, namespace)) as backend:
            text, where = read_text(Path(pinned)), "the pinned pipeline"
            made = upload_version(context, backend, text, pipeline_id=pipeline_id, where=where)
        shown.write(_page(made, watch.seconds))
        version = made.pipeline.version
        return Done(version.id, made.pipeline.uploaded, _metrics(made, watch.seconds))


def _places(registry: str, pull_from: str) -> dict[str, str | None]:
    """Return the settings that say where an image lies that nodes know by another name."""
    if not (registry and pull_from):
        return {}
    return {"to": str(parse_target(registry)), "pull_from": parse_pull_from(pull_from)}


def _page(made: Scheduled, seconds: float) -> Page:
    version = made.pipeline.version
    facts = (
        ("Uploaded", "yes" if made.pipeline.uploaded else "no: it is the newest already"),
        ("Images proven", str(len(made.proven))),
        ("Schedules", str(len(made.schedules))),
        ("Took", human_seconds(seconds)),
        ("Version", version.name),
        ("Version id", version.id),
        ("Pipeline id", made.pipeline.pipeline_id),
    )
    rows = tuple((one.name, str(one.trigger), one.id) for one in made.schedules)
    tables = (PageTable("Schedules that run it", ("Name", "When", "Id"), rows),) if rows else ()
    replaced = f"{counted(len(made.removed), 'schedule')} held to another version replaced."
    return Page(
        f"Version of {made.pipeline.pipeline}", facts, tables, (replaced,) if made.removed else ()
    )


def _metrics(made: Scheduled, seconds: float) -> Metrics:
    return {
        "images_proven": len(made.proven),
        "schedules": len(made.schedules),
        "schedules_replaced": len(made.removed),
        "uploaded": int(made.pipeline.uploaded),
        "seconds": seconds,
    }
