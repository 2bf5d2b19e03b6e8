"""What to call so that a schedule runs what it should, and never something half-done.

A new version is there before any schedule names it; a new schedule is there before the one that it
replaces goes.  What is already as it should be is not touched.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import yaml

from kfslim.canonical import sha256_hex
from kfslim.errors import AuthError, FetchError, InputError, KfslimError, NotFound
from kfslim.schedule.api import Backend
from kfslim.schedule.model import Schedule, Uploaded, Version, Wanted

DIGEST = 12  # hex digits of a pipeline's text in the name of its version
_NUMBERED = re.compile(r"(.*-[0-9a-f]{12})-\d+\Z")


def upload(backend: Backend, pipeline_id: str, pipeline: str, text: str) -> Uploaded:
    """Make ``text`` the newest version of the pipeline with ``pipeline_id``.

    Nothing is uploaded when it is that already.
    """
    versions = backend.versions(pipeline_id)
    name = f"{pipeline}-{sha256_hex(text.encode())[:DIGEST]}"
    if versions and _same(versions[0].name, name):
        return Uploaded(
            pipeline_id=pipeline_id, pipeline=pipeline, version=versions[0], uploaded=False
        )
    made = backend.upload_version(pipeline_id, _unused(name, versions), text)
    return Uploaded(pipeline_id=pipeline_id, pipeline=pipeline, version=made, uploaded=True)


def again(
    backend: Backend, pipeline_id: str, pipeline: str, version: Version, text: str
) -> Uploaded:
    """Upload the text of an earlier version once more, under its name with a number."""
    first = _NUMBERED.sub(r"\1", version.name)
    name = _unused(first, backend.versions(pipeline_id))
    made = backend.upload_version(pipeline_id, name, text)
    return Uploaded(pipeline_id=pipeline_id, pipeline=pipeline, version=made, uploaded=True)


def _same(found: str, name: str) -> bool:
    """Tell whether a version is called ``name``, or ``name-2`` after a rollback."""
    rest = found.removeprefix(name)
    return found.startswith(name) and (not rest or rest[1:].isdigit())


def _unused(name: str, versions: Sequence[Version]) -> str:
    taken = {version.name for version in versions}
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free


def find_or_create(backend: Backend, pipeline: str) -> str:
    """Return the id of the pipeline called ``pipeline``, made if there is none."""
    return backend.find_pipeline(pipeline) or backend.create_pipeline(pipeline)


def ensure(
    backend: Backend, wanted: Wanted, uploaded: Uploaded
) -> tuple[Schedule, bool, tuple[str, ...]]:
    """Make sure that exactly one schedule of that name runs the newest version as wanted.

    Returns it, whether it was created, and the ids of those that it replaced.  One that was paused
    stays paused, also when it is replaced.
    """
    named = [
        s
        for s in backend.schedules()
        if s.name == wanted.name and s.pipeline_id == uploaded.pipeline_id
    ]
    paused = bool(named) and not any(schedule.enabled for schedule in named)
    right = next((s for s in named if _is_right(s, wanted, uploaded)), None)
    kept = right or create(backend, wanted, uploaded, enabled=not paused)
    others = tuple(schedule.id for schedule in named if schedule.id != kept.id)
    _remove(backend, others, kept)
    return kept, right is None, others


def _is_right(schedule: Schedule, wanted: Wanted, uploaded: Uploaded) -> bool:
    """Compare with what was asked for; the backend fills in a service account by itself."""
    known = schedule.wanted
    if not wanted.service_account:
        known = known.model_copy(update={"service_account": ""})
    return schedule.version_id in ("", uploaded.version.id) and known == wanted


def create(
    backend: Backend, wanted: Wanted, uploaded: Uploaded, *, enabled: bool = True
) -> Schedule:
    """Create a schedule that always takes the newest version, where the backend can.

    One before 2.5.0 refuses that, or holds the schedule to what is newest now; either way the
    schedule names the version that was just uploaded.
    """
    pipeline_id, version_id = uploaded.pipeline_id, uploaded.version.id
    try:
        made = backend.create_schedule(wanted, pipeline_id, enabled=enabled)
    except (AuthError, FetchError):
        raise
    except KfslimError:
        return backend.create_schedule(wanted, pipeline_id, version_id, enabled=enabled)
    if made.version_id in ("", version_id):
        return made
    held = backend.create_schedule(wanted, pipeline_id, version_id, enabled=enabled)
    _remove(backend, (made.id,), held)
    return held


def repoint(backend: Backend, uploaded: Uploaded) -> tuple[list[Schedule], tuple[str, ...]]:
    """Replace every schedule of the pipeline that is held to another version.

    Returns the schedules that run the pipeline now, and the ids of those replaced.
    """
    kept, removed = [], []
    for schedule in backend.schedules():
        if schedule.pipeline_id != uploaded.pipeline_id:
            continue
        if schedule.version_id in ("", uploaded.version.id):
            kept.append(schedule)
            continue
        kept.append(create(backend, schedule.wanted, uploaded, enabled=schedule.enabled))
        _remove(backend, (schedule.id,), kept[-1])
        removed.append(schedule.id)
    return kept, tuple(removed)


def _remove(backend: Backend, ids: Sequence[str], instead: Schedule) -> None:
    for one in ids:
        try:
            backend.delete(one)
        except NotFound:
            continue
        except KfslimError as error:
            raise type(error)(
                f"schedule {instead.id} is there, but {one}, which it replaces, runs too: "
                f"{error.message}",
                hint="Give the same command again, or delete the old one in the UI.",
            ) from error


def pick(backend: Backend, name: str) -> Schedule:
    """Return the schedule with that id or name.

    Raises:
        NotFound: there is none.
        InputError: several have that name.
    """
    everything = backend.schedules()
    found = [s for s in everything if s.id == name] or [s for s in everything if s.name == name]
    if not found:
        known = ", ".join(sorted({s.name for s in everything})) or "none"
        raise NotFound(f"there is no schedule {name!r}", hint=f"There are: {known}.")
    if len(found) > 1:
        ids = ", ".join(s.id for s in found)
        raise InputError(f"several schedules are called {name!r}", hint=f"Name one by id: {ids}.")
    return found[0]


def earlier(versions: Sequence[Version], to: str | None) -> Version:
    """Return the version to roll back to: the one called ``to``, else the one before the newest.

    Raises:
        InputError: there is no such version, or it is the newest.
    """
    if to:
        found = next((v for v in versions if to in (v.name, v.id)), None)
        if found is None:
            names = ", ".join(v.name for v in versions)
            raise InputError(f"there is no version {to!r}", hint=f"There are: {names}.")
    else:
        found = versions[1] if len(versions) > 1 else None
    if found is None or found is versions[0]:
        raise InputError("there is no earlier version to roll back to")
    return found


def as_text(spec: dict[str, Any]) -> str:
    """Return a version as the YAML that was uploaded.

    The backend keeps pipelines with settings for Kubernetes as ``pipeline_spec`` and
    ``platform_spec``.
    """
    documents = (
        [spec["pipeline_spec"], spec.get("platform_spec")] if "pipeline_spec" in spec else [spec]
    )
    return yaml.safe_dump_all([d for d in documents if d], sort_keys=False, allow_unicode=True)
