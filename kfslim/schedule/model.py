"""What a backend has, and what was done to it."""

from __future__ import annotations

from typing import Any, Literal

from kfslim.model import Document, Model


class Trigger(Model):
    """When a schedule runs: ``cron`` with six fields, seconds first, or every ``seconds``."""

    cron: str = ""
    seconds: int = 0

    def __str__(self) -> str:
        return self.cron or f"every {self.seconds} s"


class Health(Model):
    """A backend that answers.  ``version`` is empty where it does not tell."""

    host: str
    version: str = ""
    multi_user: bool = False


class Version(Model):
    """One version of a pipeline."""

    id: str
    name: str
    created_at: str = ""


class Wanted(Model):
    """A schedule as it should be."""

    name: str
    trigger: Trigger
    parameters: dict[str, Any] = {}
    experiment_id: str = ""
    service_account: str = ""
    max_concurrency: int = 1
    catch_up: bool = False


class Schedule(Wanted):
    """A recurring run.  ``version_id`` is empty where each trigger takes the newest version."""

    id: str
    pipeline_id: str = ""
    version_id: str = ""
    enabled: bool = True

    @property
    def wanted(self) -> Wanted:
        """What was asked for when it was made."""
        return Wanted(**{name: getattr(self, name) for name in Wanted.model_fields})


class Uploaded(Document):
    """A pipeline's newest version; ``uploaded`` is false when the backend had it already."""

    pipeline_id: str
    pipeline: str
    version: Version
    uploaded: bool


class Scheduled(Document):
    """What ``schedule set`` and ``schedule rollback`` did.

    ``proven`` are the images whose manifests answered.  ``removed`` are the ids of schedules that
    were replaced.
    """

    pipeline: Uploaded
    schedules: tuple[Schedule, ...] = ()
    created: bool = False
    removed: tuple[str, ...] = ()
    proven: tuple[str, ...] = ()


class Schedules(Document):
    """All schedules of a namespace."""

    host: str
    schedules: tuple[Schedule, ...] = ()


class Changed(Document):
    """One schedule that was paused, resumed or deleted."""

    schedule: Schedule
    action: Literal["paused", "resumed", "deleted"]
