"""The Kubeflow Pipelines API, as far as kfslim calls it.

The generated client is used and not ``kfp.Client``: that takes 1.5 seconds to import, asks again
for 25 seconds where nobody answers, and refuses recurring runs without a version.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from kfslim.errors import AuthError, InputError, KfslimError, NotFound
from kfslim.files import disk_errors
from kfslim.schedule.connect import (
    COOKIE_VARIABLE,
    SIGN_IN,
    TIMEOUT,
    checked_host,
    configuration_for,
    translated,
)
from kfslim.schedule.model import Health, Schedule, Trigger, Version, Wanted

_PAGE = 100
T = TypeVar("T")


class Backend:
    """One namespace of one backend.

    ``host`` is its URL; without one ``KF_PIPELINES_ENDPOINT`` or, in a pod, the service in the
    namespace kubeflow.  ``token_file`` holds a bearer token; without one the token that a pod's
    service account has for pipelines.

    Raises (on construction):
        InputError: nothing says where the backend is, or the token cannot be read.
    """

    def __init__(self, host: str = "", namespace: str = "", token_file: Path | None = None) -> None:
        import kfp_server_api as api

        self.host, self._namespace = checked_host(host), namespace
        client = api.ApiClient(
            configuration_for(self.host, token_file), cookie=os.environ.get(COOKIE_VARIABLE)
        )
        self._models, self._client = api, client
        self._pipelines = api.PipelineServiceApi(client)
        self._uploads = api.PipelineUploadServiceApi(client)
        self._experiments = api.ExperimentServiceApi(client)
        self._recurring = api.RecurringRunServiceApi(client)
        self._health: Health | None = None

    def health(self) -> Health:
        """Ask whether the backend is there, once.

        Raises:
            FetchError: it does not answer.
            AuthError: it refuses us, or a login stands before it.
        """
        if self._health is None:
            found = self._get("/apis/v2beta1/healthz")
            self._health = Health(
                host=self.host,
                version=self._version(),
                multi_user=bool(found.get("multi_user", found.get("multiUser"))),
            )
        return self._health

    def _version(self) -> str:
        """Only the old API tells the version; where it is gone, nobody does."""
        try:
            return str(self._get("/apis/v1beta1/healthz").get("tag_name", ""))
        except KfslimError:
            return ""

    def _get(self, path: str) -> dict[str, Any]:
        """Get what must be a JSON object.

        A login in front of the backend answers with a page, and the generated client would take
        that for an empty message.
        """
        found = self._call(
            "ask for its health",
            self._client.call_api,
            path,
            "GET",
            header_params={"Accept": "application/json"},
            response_type="object",
            auth_settings=["Bearer"],
            _return_http_data_only=True,
        )
        if not isinstance(found, dict):
            raise AuthError(
                f"{self.host} answers with a page, not as the Kubeflow Pipelines API", hint=SIGN_IN
            )
        return found

    @property
    def namespace(self) -> str | None:
        """The namespace to name in requests: a single-user backend wants none.

        Raises:
            InputError: a multi-user backend, and nothing says which namespace.
        """
        if not self.health().multi_user:
            return None
        if not self._namespace:
            raise InputError(
                f"{self.host} is a multi-user backend: name your namespace", hint="--namespace NAME"
            )
        return self._namespace

    # pipelines

    def find_pipeline(self, name: str) -> str | None:
        """Return the id of the pipeline called ``name``, None if there is none."""
        try:
            found = self._call(
                f"look for pipeline {name}",
                self._pipelines.pipeline_service_get_pipeline_by_name,
                name,
                **self._where(),
            )
        except NotFound:
            return None
        return str(found.pipeline_id)

    def pipeline_name(self, pipeline_id: str) -> str:
        """Return the name of a pipeline.

        Raises:
            NotFound: there is none with that id.
        """
        found = self._call(
            f"read pipeline {pipeline_id}",
            self._pipelines.pipeline_service_get_pipeline,
            pipeline_id,
        )
        return str(found.display_name or found.name)

    def create_pipeline(self, name: str) -> str:
        """Make a pipeline without versions; return its id."""
        body = self._models.V2beta1Pipeline(display_name=name, namespace=self.namespace)
        made = self._call(
            f"create pipeline {name}", self._pipelines.pipeline_service_create_pipeline, body
        )
        return str(made.pipeline_id)

    def versions(self, pipeline_id: str) -> list[Version]:
        """Return the versions of a pipeline, the newest first."""
        listing = self._pipelines.pipeline_service_list_pipeline_versions
        found = self._pages(
            "list versions", listing, "pipeline_versions", pipeline_id, sort_by="created_at desc"
        )
        return [_version(one) for one in found]

    def version_spec(self, pipeline_id: str, version_id: str) -> dict[str, Any]:
        """Return what was uploaded as a version, as the backend keeps it."""
        found = self._call(
            "read a version",
            self._pipelines.pipeline_service_get_pipeline_version,
            pipeline_id,
            version_id,
        )
        return dict(found.pipeline_spec or {})

    def upload_version(self, pipeline_id: str, name: str, text: str) -> Version:
        """Upload a compiled pipeline as the newest version."""
        with tempfile.TemporaryDirectory(prefix="kfslim-") as folder:
            path = Path(folder) / "pipeline.yaml"
            with disk_errors("writing the pipeline to upload"):
                path.write_text(text, "utf-8")
            made = self._call(
                f"upload version {name}",
                self._uploads.upload_pipeline_version,
                str(path),
                name=name,
                pipelineid=pipeline_id,
            )
        return _version(made)

    # schedules

    def experiment(self, name: str) -> str:
        """Return the id of the experiment called ``name``, made if there is none."""
        listing = self._experiments.experiment_service_list_experiments
        found = self._pages("list experiments", listing, "experiments", **self._where())
        for one in found:
            if one.display_name == name:
                return str(one.experiment_id)
        body = self._models.V2beta1Experiment(display_name=name, namespace=self.namespace)
        made = self._call(
            f"create experiment {name}",
            self._experiments.experiment_service_create_experiment,
            body,
        )
        return str(made.experiment_id)

    def schedules(self) -> list[Schedule]:
        """Return all recurring runs of the namespace, the newest first."""
        listing = self._recurring.recurring_run_service_list_recurring_runs
        found = self._pages(
            "list schedules",
            listing,
            "recurring_runs",
            sort_by="created_at desc",
            **self._where(),
        )
        return [_schedule(one) for one in found]

    def create_schedule(
        self, wanted: Wanted, pipeline_id: str, version_id: str = "", *, enabled: bool = True
    ) -> Schedule:
        """Create a recurring run; without ``version_id`` of whatever is newest at each trigger.

        A backend before 2.5.0 takes such a one too, but keeps it to today's newest version: the
        answer's ``version_id`` tells.
        """
        api = self._models
        reference = api.V2beta1PipelineVersionReference(
            pipeline_id=pipeline_id, pipeline_version_id=version_id or None
        )
        body = api.V2beta1RecurringRun(
            display_name=wanted.name,
            experiment_id=wanted.experiment_id or None,
            pipeline_version_reference=reference,
            runtime_config=api.V2beta1RuntimeConfig(parameters=wanted.parameters),
            trigger=_trigger(api, wanted.trigger),
            mode="ENABLE" if enabled else "DISABLE",
            max_concurrency=str(wanted.max_concurrency),
            no_catchup=not wanted.catch_up,
            service_account=wanted.service_account or None,
        )
        create = self._recurring.recurring_run_service_create_recurring_run
        return _schedule(self._call(f"create schedule {wanted.name}", create, body))

    def enable(self, schedule_id: str) -> None:
        """Let a recurring run run."""
        self._call(
            "resume a schedule",
            self._recurring.recurring_run_service_enable_recurring_run,
            schedule_id,
        )

    def disable(self, schedule_id: str) -> None:
        """Pause a recurring run."""
        self._call(
            "pause a schedule",
            self._recurring.recurring_run_service_disable_recurring_run,
            schedule_id,
        )

    def delete(self, schedule_id: str) -> None:
        """Remove a recurring run; its past runs stay."""
        self._call(
            "delete a schedule",
            self._recurring.recurring_run_service_delete_recurring_run,
            schedule_id,
        )

    def close(self) -> None:
        """Give connections back."""
        self._client.rest_client.pool_manager.clear()
        self._client.close()

    # requests

    def _where(self) -> dict[str, str]:
        namespace = self.namespace
        return {"namespace": namespace} if namespace else {}

    def _pages(
        self, what: str, listing: Callable[..., Any], field: str, *ids: str, **query: str
    ) -> Iterator[Any]:
        token = ""
        while True:
            page = self._call(what, listing, *ids, page_size=_PAGE, page_token=token, **query)
            yield from getattr(page, field) or ()
            token = page.next_page_token or ""
            if not token:
                return

    def _call(self, what: str, function: Callable[..., T], *ids: Any, **query: Any) -> T:
        with translated(what, self.host):
            return function(*ids, **query, _request_timeout=TIMEOUT)


def _trigger(api: Any, trigger: Trigger) -> Any:
    if trigger.cron:
        return api.V2beta1Trigger(cron_schedule=api.V2beta1CronSchedule(cron=trigger.cron))
    every = api.V2beta1PeriodicSchedule(interval_second=str(trigger.seconds))
    return api.V2beta1Trigger(periodic_schedule=every)


def _version(found: Any) -> Version:
    return Version(
        id=found.pipeline_version_id,
        name=found.display_name or found.name or "",
        created_at=found.created_at.isoformat() if found.created_at else "",
    )


def _schedule(found: Any) -> Schedule:
    reference, trigger = found.pipeline_version_reference, found.trigger
    cron = trigger.cron_schedule.cron if trigger and trigger.cron_schedule else ""
    periodic = trigger.periodic_schedule if trigger else None
    return Schedule(
        id=found.recurring_run_id,
        name=found.display_name or "",
        trigger=Trigger(cron=cron or "", seconds=int(periodic.interval_second) if periodic else 0),
        parameters=(found.runtime_config.parameters if found.runtime_config else None) or {},
        experiment_id=found.experiment_id or "",
        service_account=found.service_account or "",
        max_concurrency=int(found.max_concurrency or 1),
        catch_up=not found.no_catchup,
        pipeline_id=(reference.pipeline_id if reference else "") or "",
        version_id=(reference.pipeline_version_id if reference else "") or "",
        enabled=str(found.status or found.mode).startswith("ENABLE"),
    )
