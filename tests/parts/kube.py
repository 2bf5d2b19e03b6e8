"""A stand-in for the Kubernetes API on 127.0.0.1: lists, selectors, pages, rights, reviews.

It answers what the real one answers to the requests that it knows, and 404 to all others; it
records every request.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

TOKEN = "a-token-of-the-tests"
ALL = frozenset({("list", "pods"), ("list", "events"), ("get", "secrets")})


@dataclass
class Kube:
    """The content; ``rights`` are (verb, resource) pairs, ``page`` the most objects per answer.

    With ``named`` the right to secrets is to those names only, as RBAC's ``resourceNames``.
    """

    namespace: str = "ml"
    pods: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)
    rights: frozenset[tuple[str, str]] = ALL
    named: frozenset[str] = frozenset()
    page: int = 500
    requests: list[str] = field(default_factory=list)
    url: str = ""

    def pod(self, name: str, run: str, task: str, node: str, image: str) -> str:
        """Add a finished pod as Argo makes it; return its uid."""
        metadata = {
            "name": name,
            "namespace": self.namespace,
            "uid": f"uid-{name}",
            "labels": {"pipeline/runid": run},
            "annotations": {"workflows.argoproj.io/node-name": f"wf.root.{task}.executor"},
        }
        spec = {
            "nodeName": node,
            "initContainers": [{"name": "init", "image": "argoexec:v3"}],
            "containers": [{"name": "main", "image": image}],
        }
        self.pods.append({"metadata": metadata, "spec": spec, "status": {"phase": "Succeeded"}})
        return metadata["uid"]

    def event(self, uid: str, reason: str, message: str, container: str = "main") -> None:
        """Add an event about a pod's container."""
        path = f"spec.containers{{{container}}}"
        involved = {"kind": "Pod", "uid": uid, "fieldPath": path}
        metadata = {"name": f"event-{len(self.events)}", "namespace": self.namespace}
        self.events.append(
            {
                "metadata": metadata,
                "involvedObject": involved,
                "reason": reason,
                "message": message,
                "type": "Normal",
            }
        )

    def pull_secret(self, name: str, host: str, user: str, password: str) -> None:
        """Add a secret as ``kubectl create secret docker-registry`` makes it."""
        auth = base64.b64encode(f"{user}:{password}".encode()).decode()
        config = json.dumps({"auths": {host: {"auth": auth}}})
        data = {".dockerconfigjson": base64.b64encode(config.encode()).decode()}
        self.secrets[name] = {"type": "kubernetes.io/dockerconfigjson", "data": data}

    def kubeconfig(self, path: Path) -> Path:
        """Write a kubeconfig that leads here."""
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "tests",
            "clusters": [{"name": "tests", "cluster": {"server": self.url}}],
            "users": [{"name": "ada", "user": {"token": TOKEN}}],
            "contexts": [
                {
                    "name": "tests",
                    "context": {"cluster": "tests", "user": "ada", "namespace": self.namespace},
                }
            ],
        }
        path.write_text(yaml.safe_dump(document))
        return path


@contextmanager
def start_kube(kube: Kube) -> Iterator[Kube]:
    """Serve ``kube`` on a free port."""

    class Handler(_Handler):
        cluster = kube

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    kube.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield kube
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    cluster: Kube

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        self.cluster.requests.append(f"GET {self.path}")
        prefix = f"/api/v1/namespaces/{self.cluster.namespace}/"
        if not self._known():
            return
        if not parts.path.startswith(prefix):
            self._fail(404, "NotFound")
            return
        resource, _, name = parts.path.removeprefix(prefix).partition("/")
        verb = "get" if name else "list"
        if (verb, resource) not in self.cluster.rights:
            self._fail(403, "Forbidden")
        elif name:
            self._object(resource, name)
        else:
            self._list(resource, query)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.cluster.requests.append(f"POST {self.path}")
        if not self._known():
            return
        if self.path != "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews":
            self._fail(404, "NotFound")
            return
        asked = body["spec"]["resourceAttributes"]
        allowed = (asked["verb"], asked["resource"]) in self.cluster.rights
        if asked["resource"] == "secrets" and self.cluster.named:
            allowed = allowed and asked.get("name") in self.cluster.named
        self._answer(201, {**body, "status": {"allowed": allowed}})

    def _known(self) -> bool:
        known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        if not known:
            self._fail(401, "Unauthorized")
        return known

    def _object(self, resource: str, name: str) -> None:
        found = self.cluster.secrets.get(name) if resource == "secrets" else None
        if found is None:
            self._fail(404, "NotFound")
        else:
            self._answer(200, {"apiVersion": "v1", "kind": "Secret", **found})

    def _list(self, resource: str, query: dict[str, str]) -> None:
        items = {"pods": self.cluster.pods, "events": self.cluster.events}[resource]
        if selector := query.get("labelSelector"):
            key, _, value = selector.partition("=")
            items = [i for i in items if i["metadata"].get("labels", {}).get(key) == value]
        if selector := query.get("fieldSelector"):
            key, _, value = selector.partition("=")
            items = [i for i in items if i[key.split(".")[0]][key.split(".")[1]] == value]
        start = int(query.get("continue", "0"))
        end = start + min(int(query.get("limit", "500")), self.cluster.page)
        following = {"continue": str(end)} if end < len(items) else {}
        kind = {"pods": "PodList", "events": "EventList"}[resource]
        self._answer(
            200,
            {"apiVersion": "v1", "kind": kind, "metadata": following, "items": items[start:end]},
        )

    def _fail(self, code: int, reason: str) -> None:
        status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason}
        self._answer(code, {**status, "code": code, "message": "refused by the stand-in"})

    def _answer(self, code: int, value: dict[str, Any]) -> None:
        data = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
