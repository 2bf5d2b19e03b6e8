"""The way to a Kubeflow Pipelines backend: its address, our token, its failures in words."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from kfslim.errors import AuthError, FetchError, InputError, KfslimError, NotFound, OutsideError

HOST_VARIABLE = "KF_PIPELINES_ENDPOINT"  # as kfp has it
TOKEN_VARIABLE = "KF_PIPELINES_SA_TOKEN_PATH"  # noqa: S105 - as kfp has it; a path
COOKIE_VARIABLE = "KFSLIM_KFP_COOKIE"  # a session of Dex or oauth2-proxy in front of the backend
SIGN_IN = f"Sign in: --token-file, or a session cookie in {COOKIE_VARIABLE}."
_IN_CLUSTER = "http://ml-pipeline.kubeflow:8888"
_PROJECTED = Path("/var/run/secrets/kubeflow/pipelines/token")
TIMEOUT = (10.0, 60.0)  # seconds: to connect, between two bytes


@contextmanager
def translated(what: str, host: str) -> Iterator[None]:
    """Translate the failures of one call; headers, and with them tokens, stay out."""
    from kfp_server_api.exceptions import ApiException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ApiException as error:
        raise _failure(error, what, host) from None  # its text holds headers, cookies among them
    except (HTTPError, OSError) as error:
        raise FetchError(
            f"cannot {what}: the backend at {host} does not answer ({type(error).__name__})"
        ) from error


def _failure(error: Any, what: str, host: str) -> KfslimError:
    reason = _reason(error.body) or str(error.reason or "no reason given").splitlines()[0]
    message = f"the backend at {host} refuses to {what}: {reason}"
    if error.status in (401, 403):
        return AuthError(message, hint=SIGN_IN)
    if error.status == 404:
        return NotFound(message)
    return InputError(message) if error.status in (400, 409, 412) else OutsideError(message)


def _reason(body: Any) -> str:
    """Return what the backend says, one line of it: its errors go on with a Go stack."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body or "")
    try:
        value = json.loads(text)
    except ValueError:
        return "" if text.lstrip().startswith("<") else " ".join(text.split())[:300]
    if not isinstance(value, dict):
        return ""
    said = value.get("message") or value.get("error_message") or value.get("error")
    return " ".join(str(said or "").split())[:300]


def find_host(given: str = "") -> str:
    """Return the backend's URL: what was said, the environment's, in a pod the usual service.

    Empty where nothing says it.
    """
    host = given or os.environ.get(HOST_VARIABLE, "")
    if not host and os.environ.get("KUBERNETES_SERVICE_HOST"):
        host = _IN_CLUSTER
    return (host if "://" in host else f"https://{host}").rstrip("/") if host else ""


def checked_host(given: str) -> str:
    """Return the backend's URL.

    Raises:
        InputError: nothing says it, or it holds credentials.
    """
    host = find_host(given)
    if not host:
        raise InputError(
            "where is the Kubeflow Pipelines backend?",
            hint=f"--host URL, or the environment variable {HOST_VARIABLE}.",
        )
    if urlsplit(host).username:
        raise InputError("the URL of the backend holds credentials; use --token-file")
    return host


def configuration_for(host: str, token_file: Path | None) -> Any:
    """Return the generated client's configuration: address, CA bundle, proxy, token.

    Raises:
        InputError: the token cannot be read.
    """
    import kfp_server_api

    configuration = kfp_server_api.Configuration(host=host)
    configuration.retries = 2
    bundle = os.environ.get("SSL_CERT_FILE") or os.environ.get("REQUESTS_CA_BUNDLE")
    if bundle and Path(bundle).is_file():
        configuration.ssl_ca_cert = bundle
    parts = urlsplit(host)
    if not proxy_bypass(parts.hostname or ""):
        configuration.proxy = getproxies().get(parts.scheme)
    if token := _token(token_file):
        configuration.api_key["authorization"] = token
        configuration.api_key_prefix["authorization"] = "Bearer"
    return configuration


def _token(file: Path | None) -> str:
    named = file or (Path(p) if (p := os.environ.get(TOKEN_VARIABLE)) else None)
    path = named or (_PROJECTED if _PROJECTED.is_file() else None)
    if path is None:
        return ""
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the token file {path} cannot be read") from error
