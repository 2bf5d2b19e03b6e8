"""A pinned pipeline → a version on the backend, and a schedule that runs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kfslim.errors import InputError, NotFound
from kfslim.flow.context import Context
from kfslim.flow.proving import prove
from kfslim.schedule import keep
from kfslim.schedule.api import Backend
from kfslim.schedule.model import Schedule, Scheduled, Trigger, Uploaded, Wanted
from kfslim.steps.ir import load_documents, read_pipeline


def upload_version(
    context: Context,
    backend: Backend,
    text: str,
    *,
    pipeline_id: str = "",
    where: str = "",
) -> Scheduled:
    """Prove a pipeline's images, make it the newest version, and let its schedules run it.

    ``pipeline_id`` names the pipeline on the backend; without one it is the pipeline's own name.
    Schedules that take the newest version need nothing; those held to an older one are replaced.

    Raises:
        BadPipeline: ``text`` is no pipeline.
        GateError: an image cannot be pulled; nothing was uploaded.
        NotFound: there is no pipeline with that id.
        KfslimError: the backend refuses, or does not answer.
    """
    backend.health()
    proven = prove(context, text, where)
    if pipeline_id:
        name = backend.pipeline_name(pipeline_id)
    else:
        name = read_pipeline(text, where).name
        pipeline_id = keep.find_or_create(backend, name)
    uploaded = keep.upload(backend, pipeline_id, name, text)
    schedules, removed = keep.repoint(backend, uploaded)
    return Scheduled(pipeline=uploaded, schedules=tuple(schedules), removed=removed, proven=proven)


def set_schedule(
    context: Context,
    backend: Backend,
    text: str,
    trigger: Trigger,
    *,
    name: str = "",
    parameters: Mapping[str, Any] | None = None,
    experiment: str = "",
    service_account: str = "",
    where: str = "",
) -> Scheduled:
    """Upload a pinned pipeline and make sure of its one schedule called ``name``.

    ``name`` and ``experiment`` are the pipeline's own name where they are not said.  Everything is
    checked before the first change.  Given twice, the second time changes nothing.

    Raises:
        InputError: the parameters are not the pipeline's.
        As :func:`upload_version`.
    """
    pipeline = read_pipeline(text, where).name
    check_parameters(text, parameters or {}, where)
    backend.health()
    proven = prove(context, text, where)
    pipeline_id = keep.find_or_create(backend, pipeline)
    uploaded = keep.upload(backend, pipeline_id, pipeline, text)
    wanted = Wanted(
        name=name or pipeline,
        trigger=trigger,
        parameters=dict(parameters or {}),
        experiment_id=backend.experiment(experiment or pipeline),
        service_account=service_account,
    )
    schedule, created, replaced = keep.ensure(backend, wanted, uploaded)
    others, removed = keep.repoint(backend, uploaded)
    return Scheduled(
        pipeline=uploaded,
        schedules=(schedule, *(other for other in others if other.id != schedule.id)),
        created=created,
        removed=(*replaced, *removed),
        proven=proven,
    )


def roll_back(
    context: Context, backend: Backend, pipeline: str, to: str | None = None
) -> Scheduled:
    """Make an earlier version the newest again, and so the one that schedules run.

    The backend takes the newest, so the old text is uploaded once more; nothing is deleted, and
    another rollback undoes this one.

    Raises:
        NotFound: there is no such pipeline.
        InputError: there is no earlier version, or none called ``to``.
        GateError: an image of it cannot be pulled any more; nothing was changed.
    """
    pipeline_id = backend.find_pipeline(pipeline)
    if pipeline_id is None:
        raise NotFound(f"the backend at {backend.host} has no pipeline {pipeline}")
    version = keep.earlier(backend.versions(pipeline_id), to)
    text = keep.as_text(backend.version_spec(pipeline_id, version.id))
    proven = prove(context, text, f"version {version.name}")
    uploaded: Uploaded = keep.again(backend, pipeline_id, pipeline, version, text)
    schedules, removed = keep.repoint(backend, uploaded)
    return Scheduled(pipeline=uploaded, schedules=tuple(schedules), removed=removed, proven=proven)


def resume(context: Context, backend: Backend, schedule: Schedule) -> tuple[str, ...]:
    """Let a schedule trigger again, once the images of what it runs are proven; return them.

    A schedule that was made without a pipeline carries its own text; that is not read.

    Raises:
        GateError: an image cannot be pulled; the schedule stays as it was.
        KfslimError: the backend refuses, or does not answer.
    """
    proven: tuple[str, ...] = ()
    if schedule.pipeline_id:
        version = schedule.version_id or backend.versions(schedule.pipeline_id)[0].id
        text = keep.as_text(backend.version_spec(schedule.pipeline_id, version))
        proven = prove(context, text, f"what schedule {schedule.name} runs")
    backend.enable(schedule.id)
    return proven


def check_parameters(text: str, given: Mapping[str, Any], where: str = "") -> None:
    """Check names against the pipeline's inputs, and that none without a default is left out.

    Raises:
        InputError: an unknown name, or a missing one.
    """
    root = load_documents(text, where)[0].get("root") or {}
    inputs = (root.get("inputDefinitions") or {}).get("parameters") or {}
    if unknown := sorted(set(given) - set(inputs)):
        known = ", ".join(sorted(inputs)) or "none"
        raise InputError(f"the pipeline has no parameter {unknown[0]!r}", hint=f"It has: {known}.")
    for name, declared in inputs.items():
        if name not in given and not (declared.get("isOptional") or "defaultValue" in declared):
            raise InputError(
                f"the pipeline's parameter {name!r} has no default",
                hint=f"Say what a scheduled run shall take: --param {name}=VALUE.",
            )
