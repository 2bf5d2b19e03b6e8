"""A stand-in for the Kubeflow Pipelines API on 127.0.0.1, built on kfp_server_api's own models.

It keeps pipelines, versions, experiments and recurring runs in memory, records every request, and
refuses what the real one refuses (backend/src/apiserver: unknown fields, a version of another
pipeline, a second version of one name, a wrong cron, missing parameters, a namespace where there
are none).  ``version`` before 2.5.0 holds a recurring run without version to the newest one, as
``fetchTemplateFromPipelineSpec`` did.
"""

from __future__ import annotations

import email
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email import policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import kfp_server_api as api
import yaml

_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 409: 6, 500: 13}
_CRON = re.compile(r"(@\w+|[-0-9A-Za-z*?/,]+( [-0-9A-Za-z*?/,]+){4,5})\Z")


class Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class KfpBackend:
    """The backend's state.  ``fail`` maps "METHOD /path" to a status that it answers with.

    With ``login`` every answer is the page of a login that stands before it.
    """

    version: str = "2.17.0"
    multi_user: bool = False
    token: str = ""
    login: bool = False
    pipelines: dict[str, api.V2beta1Pipeline] = field(default_factory=dict)
    versions: list[api.V2beta1PipelineVersion] = field(default_factory=list)
    experiments: dict[str, api.V2beta1Experiment] = field(default_factory=dict)
    recurring: dict[str, api.V2beta1RecurringRun] = field(default_factory=dict)
    fail: dict[str, int] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    page: int = 100
    url: str = ""
    _count: int = 0

    def new(self, kind: str) -> tuple[str, datetime]:
        self._count += 1
        start = datetime(2026, 1, 1, tzinfo=timezone.utc)
        return f"{kind}-{self._count}", start + timedelta(minutes=self._count)

    @property
    def changes(self) -> list[str]:
        """Every request that was not a GET."""
        return [request for request in self.requests if not request.startswith("GET")]

    @property
    def takes_newest(self) -> bool:
        return tuple(map(int, self.version.split(".")[:2])) >= (2, 5)

    # pipelines

    def create_pipeline(self, body: api.V2beta1Pipeline) -> api.V2beta1Pipeline:
        self._namespace(body.namespace)
        if any(p.display_name == body.display_name for p in self.pipelines.values()):
            raise Refused(409, "the pipeline name exists already")
        body.pipeline_id, body.created_at = self.new("pipeline")
        self.pipelines[body.pipeline_id] = body
        return body

    def upload_version(self, query: dict[str, str], data: bytes) -> api.V2beta1PipelineVersion:
        pipeline = self._pipeline(query.get("pipelineid", ""))
        spec = self._spec(data)
        name = query["name"]
        if any(v.display_name == name for v in self.versions):
            raise Refused(409, "Failed to create a pipeline version")
        number, created = self.new("version")
        made = api.V2beta1PipelineVersion(
            pipeline_id=pipeline.pipeline_id,
            pipeline_version_id=number,
            display_name=name,
            created_at=created,
            pipeline_spec=spec,
        )
        self.versions.append(made)
        return made

    def _spec(self, data: bytes) -> dict[str, Any]:
        documents = list(yaml.safe_load_all(data))
        if not documents or "pipelineInfo" not in documents[0]:
            raise Refused(400, "unknown template format: pipeline spec is invalid")
        if len(documents) == 1:
            return documents[0]
        return {"pipeline_spec": documents[0], "platform_spec": documents[1]}

    def newest(self, pipeline_id: str) -> api.V2beta1PipelineVersion:
        mine = [v for v in self.versions if v.pipeline_id == pipeline_id]
        if not mine:
            raise Refused(404, "no version of the pipeline is ready")
        return max(mine, key=lambda v: v.created_at)

    def _pipeline(self, pipeline_id: str) -> api.V2beta1Pipeline:
        if pipeline_id not in self.pipelines:
            raise Refused(404, f"Pipeline {pipeline_id} not found")
        return self.pipelines[pipeline_id]

    def _version_of(self, pipeline_id: str, version_id: str) -> api.V2beta1PipelineVersion:
        for version in self.versions:
            if (version.pipeline_id, version.pipeline_version_id) == (pipeline_id, version_id):
                return version
        raise Refused(404, f"PipelineVersion {version_id} not found")

    # recurring runs

    def create_recurring(self, body: api.V2beta1RecurringRun) -> api.V2beta1RecurringRun:
        if not 1 <= int(body.max_concurrency or 0) <= 10:
            raise Refused(400, "The max concurrency of the recurring run is out of range")
        cron = body.trigger.cron_schedule
        if cron and not _CRON.match(cron.cron):
            raise Refused(400, "Schedule cron is not a supported format")
        if not cron and int(body.trigger.periodic_schedule.interval_second) < 1:
            raise Refused(400, "Found invalid period schedule interval")
        if body.experiment_id not in self.experiments:
            raise Refused(404, f"Experiment {body.experiment_id} not found")
        reference = body.pipeline_version_reference
        self._pipeline(reference.pipeline_id)
        version = (
            self._version_of(reference.pipeline_id, reference.pipeline_version_id)
            if reference.pipeline_version_id
            else self.newest(reference.pipeline_id)
        )
        self._check_parameters(version, body.runtime_config.parameters or {})
        if not reference.pipeline_version_id and not self.takes_newest:
            reference.pipeline_version_id = version.pipeline_version_id
        body.recurring_run_id, body.created_at = self.new("recurring")
        body.status = "ENABLED" if body.mode == "ENABLE" else "DISABLED"
        body.service_account = body.service_account or "pipeline-runner"
        self.recurring[body.recurring_run_id] = body
        return body

    def _check_parameters(self, version: api.V2beta1PipelineVersion, given: dict[str, Any]) -> None:
        spec = version.pipeline_spec.get("pipeline_spec", version.pipeline_spec)
        inputs = spec["root"].get("inputDefinitions", {}).get("parameters", {})
        if set(given) - set(inputs):
            raise Refused(400, "unknown parameters")
        for name, declared in inputs.items():
            if name not in given and "defaultValue" not in declared:
                raise Refused(400, f"parameter {name} is not optional, yet has neither default")

    def set_mode(self, recurring_id: str, enabled: bool) -> dict[str, Any]:
        found = self._recurring(recurring_id)
        found.mode, found.status = ("ENABLE", "ENABLED") if enabled else ("DISABLE", "DISABLED")
        return {}

    def delete_recurring(self, recurring_id: str) -> dict[str, Any]:
        self._recurring(recurring_id)
        del self.recurring[recurring_id]
        return {}

    def _recurring(self, recurring_id: str) -> api.V2beta1RecurringRun:
        if recurring_id not in self.recurring:
            raise Refused(404, f"Job {recurring_id} not found")
        return self.recurring[recurring_id]

    # experiments

    def create_experiment(self, body: api.V2beta1Experiment) -> api.V2beta1Experiment:
        self._namespace(body.namespace)
        body.experiment_id, body.created_at = self.new("experiment")
        self.experiments[body.experiment_id] = body
        return body

    def _namespace(self, namespace: str | None) -> None:
        if self.multi_user and not namespace:
            raise Refused(400, "Namespace is empty in multi-user mode")
        if not self.multi_user and namespace:
            raise Refused(400, "In single-user mode, a namespace cannot be given")

    # requests

    def answer(self, method: str, path: str, query: dict[str, str], handler: Any) -> Any:  # noqa: C901
        v2 = path.removeprefix("/apis/v2beta1/")
        match (method, v2.split("/")):
            case ("GET", ["healthz"]):
                return {"multi_user": self.multi_user}
            case ("POST", ["pipelines", "upload_version"]):
                return self.upload_version(query, handler.upload())
            case ("POST", ["pipelines"]):
                return self.create_pipeline(handler.body("V2beta1Pipeline"))
            case ("GET", ["pipelines", "names", name]):
                found = [p for p in self.pipelines.values() if p.display_name == unquote(name)]
                if not found:
                    raise Refused(404, f"Pipeline {name} not found")
                return found[0]
            case ("GET", ["pipelines", pipeline]):
                return self._pipeline(pipeline)
            case ("GET", ["pipelines", pipeline, "versions"]):
                self._pipeline(pipeline)
                mine = [v for v in self.versions if v.pipeline_id == pipeline]
                return self._list(api.V2beta1ListPipelineVersionsResponse, mine, query)
            case ("GET", ["pipelines", pipeline, "versions", version]):
                return self._version_of(pipeline, version)
            case ("GET", ["experiments"]):
                self._namespace(query.get("namespace"))
                found = list(self.experiments.values())
                return self._list(api.V2beta1ListExperimentsResponse, found, query)
            case ("POST", ["experiments"]):
                return self.create_experiment(handler.body("V2beta1Experiment"))
            case ("GET", ["recurringruns"]):
                self._namespace(query.get("namespace"))
                found = list(self.recurring.values())
                return self._list(api.V2beta1ListRecurringRunsResponse, found, query)
            case ("POST", ["recurringruns"]):
                return self.create_recurring(handler.body("V2beta1RecurringRun"))
            case ("POST", ["recurringruns", action]):
                number, _, verb = action.partition(":")
                return self.set_mode(number, {"enable": True, "disable": False}[verb])
            case ("DELETE", ["recurringruns", number]):
                return self.delete_recurring(number)
        if path == "/apis/v1beta1/healthz":
            return {"tag_name": self.version, "multi_user": self.multi_user}
        raise Refused(404, "Not Found")

    def _list(self, response: Any, items: list[Any], query: dict[str, str]) -> Any:
        newest_first = query.get("sort_by") == "created_at desc"
        items = sorted(items, key=lambda i: i.created_at, reverse=newest_first)
        start = int(query.get("page_token") or 0)
        end = start + min(self.page, int(query.get("page_size", 10)))
        (name,) = set(response.openapi_types) - {"total_size", "next_page_token"}
        return response(
            total_size=len(items),
            next_page_token=str(end) if end < len(items) else None,
            **{name: items[start:end]},
        )


@contextmanager
def start_backend(backend: KfpBackend) -> Iterator[KfpBackend]:
    """Serve ``backend`` on a free port."""

    class Handler(_Handler):
        state = backend

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    backend.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield backend
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Answer:
    def __init__(self, data: str) -> None:
        self.data = data


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: KfpBackend
    _models = api.ApiClient()

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._do()

    def do_POST(self) -> None:
        self._do()

    def do_DELETE(self) -> None:
        self._do()

    def _do(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        asked = f"{self.command} {parts.path}"
        self.state.requests.append(asked)
        self._data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            self._check(asked)
            found = self.state.answer(self.command, parts.path, query, self)
        except Refused as error:
            status = error.status
            value = {"error": str(error), "code": _CODES.get(status, 2), "message": str(error)}
        else:
            status, value = 200, self._models.sanitize_for_serialization(found)
        data, kind = json.dumps(value).encode(), "application/json"
        if self.state.login:
            status, data, kind = 200, b"<html>Log in to Dex</html>", "text/html"
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _check(self, asked: str) -> None:
        wanted = f"Bearer {self.state.token}"
        if self.state.token and self.headers.get("Authorization") != wanted:
            raise Refused(401, "Unauthenticated: no identity")
        if asked in self.state.fail:
            raise Refused(self.state.fail[asked], "made to fail by a test")

    def body(self, model: str) -> Any:
        """Read the request's JSON as one of the API's messages; unknown fields are refused."""
        value = json.loads(self._data)
        known = set(getattr(api, model).attribute_map.values())
        if unknown := set(value) - known:
            raise Refused(400, f"unknown field {sorted(unknown)[0]!r} in {model}")
        self.state.bodies.append(value)
        return self._models.deserialize(_Answer(self._data.decode()), model)

    def upload(self) -> bytes:
        """Return the file of a multipart form."""
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        message = email.message_from_bytes(head + self._data, policy=policy.HTTP)
        for part in message.iter_parts():
            if part.get_param("name", header="content-disposition") == "uploadfile":
                return part.get_payload(decode=True)
        raise Refused(400, "Failed to read pipeline from file")
