"""The Kubernetes API, as far as kfslim asks it, and its failures in words.

Rights needed: ``list`` on pods and events, ``get`` on the named secrets
(deploy/rbac.yaml).  Nothing is ever written.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kfslim.errors import AuthError, FetchError, InputError, NotFound, OutsideError

_ACCOUNT_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_TIMEOUT = (10.0, 60.0)  # seconds: to connect, between two bytes
_PAGE = 500  # objects per answer
_RUN_ID = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?\Z")
RUN_LABEL = "pipeline/runid"  # Kubeflow Pipelines puts it on every pod of a run
_RIGHTS_HINT = "Ask for the rights that deploy/rbac.yaml lists."


class Cluster:
    """One namespace of one cluster: the pod's own, else the current context of the kubeconfig.

    Raises (on construction):
        FetchError: there is no cluster to be found from here.
    """

    def __init__(self, namespace: str = "") -> None:
        from kubernetes import client

        configuration, found = _configuration()
        configuration.retries = 2
        self.namespace = namespace or found or "default"
        self.host = str(configuration.host)
        self._api = client.ApiClient(configuration)
        self._core = client.CoreV1Api(self._api)
        self._reviews = client.AuthorizationV1Api(self._api)

    def pods_of(self, run: str) -> list[dict[str, Any]]:
        """Return the pods of a run, as JSON, by name.

        Raises:
            InputError: ``run`` cannot be the id of a run.
            AuthError: no right to list pods.
        """
        if not _RUN_ID.match(run):
            raise InputError(f"{run[:80]!r} is not the id of a run")
        label = f"{RUN_LABEL}={run}"
        with self._asking("list pods"):
            pods = list(self._pages(self._core.list_namespaced_pod, label_selector=label))
        return sorted(pods, key=lambda pod: str(pod["metadata"]["name"]))

    def events_of(self, uid: str) -> list[dict[str, Any]]:
        """Return the events about the object with ``uid``, oldest first.

        Raises:
            AuthError: no right to list events.
        """
        field = f"involvedObject.uid={uid}"
        with self._asking("list events"):
            return list(self._pages(self._core.list_namespaced_event, field_selector=field))

    def secret(self, name: str) -> tuple[str, dict[str, str]]:
        """Return a secret's type, and its data as they are: base64.

        Raises:
            NotFound: there is none of that name.
            AuthError: no right to read it.
        """
        with self._asking(f"read secret {name}"):
            found = self._core.read_namespaced_secret(
                name, self.namespace, _request_timeout=_TIMEOUT
            )
        return str(found.type), dict(found.data or {})

    def may(self, verb: str, resource: str, name: str = "") -> bool:
        """Tell whether we have a right in the namespace; everybody may ask that.

        Raises:
            FetchError: the cluster does not answer.
        """
        attributes = {"namespace": self.namespace, "verb": verb, "resource": resource}
        if name:
            attributes["name"] = name
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        with self._asking("ask for our rights"):
            answer = self._reviews.create_self_subject_access_review(
                body, _request_timeout=_TIMEOUT
            )
        return bool(answer.status.allowed)

    def close(self) -> None:
        """Give connections back."""
        self._api.close()

    def _pages(self, listing: Callable[..., Any], **selector: str) -> Iterator[dict[str, Any]]:
        """Yield the objects of a list as JSON, page by page."""
        following: Mapping[str, str] = {}
        while True:
            page = listing(
                self.namespace, limit=_PAGE, _request_timeout=_TIMEOUT, **selector, **following
            )
            for item in page.items:
                yield self._api.sanitize_for_serialization(item)
            if not (token := page.metadata._continue):
                return
            following = {"_continue": token}

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        """Translate the failures of one request; no header or body gets into a message."""
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        place = f"namespace {self.namespace} of {self.host}"
        try:
            yield
        except ApiException as error:
            raise _failure(error.status, error.reason, what, place) from error
        except (HTTPError, OSError) as error:
            raise FetchError(
                f"cannot {what} in {place}: the cluster does not answer ({type(error).__name__})"
            ) from error


def _failure(status: int | None, reason: str | None, what: str, place: str) -> OutsideError:
    if status in (401, 403):
        return AuthError(f"no right to {what} in {place}", hint=_RIGHTS_HINT)
    if status == 404:
        return NotFound(f"cannot {what} in {place}: there is none")
    return OutsideError(f"cannot {what} in {place}: {status} {reason}")


def _configuration() -> tuple[Any, str]:
    """Return the client's configuration, and the namespace that goes with it."""
    from kubernetes import client, config

    configuration = client.Configuration()
    try:
        config.load_incluster_config(client_configuration=configuration)
    except config.ConfigException:
        pass
    else:
        return configuration, _account_namespace()
    file = os.environ.get("KUBECONFIG") or None  # the client looks at it only when it is imported
    try:
        config.load_kube_config(file, client_configuration=configuration, persist_config=False)
        _, active = config.list_kube_config_contexts(file)
    except Exception as error:  # the client raises whatever its parsers raise
        raise FetchError(
            f"no cluster to be found: {_first_line(error)}",
            hint="Set KUBECONFIG, or run in a pod with a service account.",
        ) from error
    return configuration, str(active.get("context", {}).get("namespace", ""))


def _account_namespace() -> str:
    try:
        return _ACCOUNT_NAMESPACE.read_text("utf-8").strip()
    except OSError:
        return ""


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
