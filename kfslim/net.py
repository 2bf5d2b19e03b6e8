"""HTTP for everyone who needs it: one session, one retry rule, one translation of errors.

``requests`` is imported here and nowhere else.  Proxies and CA bundles come from the environment
(``HTTPS_PROXY``, ``REQUESTS_CA_BUNDLE``, ``SSL_CERT_FILE``), as everywhere else.
"""

from __future__ import annotations

import hashlib
import os
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests

from kfslim._version import __version__
from kfslim.errors import DigestMismatch, FetchError, NotFound, RateLimited
from kfslim.files import atomic_path, disk_errors
from kfslim.progress import SILENT, Progress

ATTEMPTS = 6
TIMEOUT = (10.0, 60.0)  # seconds: to connect, between two bytes
MAX_WAIT = 60.0  # seconds a server may ask us to wait in one Retry-After
RETRIED = frozenset({408, 429, 500, 502, 503, 504})
CHUNK = 1 << 20


def open_session() -> requests.Session:
    """Return a session that says who we are and trusts what the machine trusts."""
    session = requests.Session()
    session.headers["User-Agent"] = f"kfslim/{__version__}"
    bundle = os.environ.get("SSL_CERT_FILE")
    if bundle and not os.environ.get("REQUESTS_CA_BUNDLE") and Path(bundle).is_file():
        session.verify = bundle
    return session


def redact(url: str) -> str:
    """Return ``url`` without user, password and query (signed URLs carry secrets there)."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def pause(attempt: int, retry_after: str | None = None) -> float:
    """Return the seconds to wait before attempt ``attempt`` + 1: Retry-After, else backoff.

    Raises:
        RateLimited: the server asks for more than ``MAX_WAIT`` seconds.
    """
    if retry_after and retry_after.strip().isdigit():
        seconds = float(retry_after)
        if seconds > MAX_WAIT:
            raise RateLimited(f"the server asks to come back in {seconds:.0f} seconds")
        return seconds
    return float(min(8.0, 0.25 * 2**attempt) * (0.5 + random.random() / 2))  # noqa: S311


def retrying(
    attempt_once: Callable[[], requests.Response],
    what: str,
    sleep: Callable[[float], None] = time.sleep,
) -> requests.Response:
    """Call until an answer comes that is final, at most ``ATTEMPTS`` times.

    Connection errors, time-outs and the statuses in ``RETRIED`` are tried again.  The last answer
    is returned whatever its status; the caller reads it.

    Raises:
        FetchError: no answer came at all.
        RateLimited: the server asks us to wait too long, or still says 429 at the end.
    """
    failure: Exception | None = None
    for attempt in range(ATTEMPTS):
        try:
            response = attempt_once()
        except (requests.ConnectionError, requests.Timeout) as error:
            failure, retry_after = error, None
        except requests.RequestException as error:
            raise FetchError(f"{what}: {_reason(error)}") from error
        else:
            if response.status_code not in RETRIED:
                return response
            failure, retry_after = None, response.headers.get("Retry-After")
            if attempt + 1 == ATTEMPTS:
                return response
            response.close()
        if attempt + 1 < ATTEMPTS:
            sleep(pause(attempt, retry_after))
    raise FetchError(f"{what}: {_reason(failure)}") from failure


def _reason(error: Exception | None) -> str:
    """Return the innermost reason of a connection error, in words and without a URL's secrets."""
    inner: Any = error
    while getattr(inner, "args", None) and isinstance(inner.args[0], Exception):
        inner = inner.args[0]
    reason = getattr(inner, "reason", None) or inner
    text = str(reason).rpartition(">: ")[2] or type(error).__name__
    return text if "://" not in text else type(error).__name__


def download(
    session: requests.Session,
    url: str,
    path: Path,
    *,
    sha256: str,
    size: int,
    progress: Progress = SILENT,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Fetch ``url`` into ``path`` (atomic), checking ``size`` in bytes and ``sha256`` (hex).

    Raises:
        NotFound: 404 or 410.
        FetchError: any other failure.
        DigestMismatch: other bytes than promised, twice.
    """
    where = redact(url)
    response = retrying(
        lambda: session.get(url, stream=True, timeout=TIMEOUT, headers=dict(headers or {})), where
    )
    with response:
        if response.status_code in (404, 410):
            raise NotFound(f"{where}: not there")
        if response.status_code != 200:
            raise FetchError(f"{where}: the server answered {response.status_code}")
        with atomic_path(path) as temporary, progress.task(path.name, size) as task:
            digest, seen = hashlib.sha256(), 0
            with disk_errors(f"downloading {path.name}"), temporary.open("wb") as out:
                try:
                    for chunk in response.iter_content(CHUNK):
                        seen += len(chunk)
                        if seen > size:
                            break
                        digest.update(chunk)
                        out.write(chunk)
                        task.advance(len(chunk))
                except requests.RequestException as error:
                    raise FetchError(f"{where}: {_reason(error)}") from error
            if seen != size or digest.hexdigest() != sha256:
                raise DigestMismatch(f"{where}: not the bytes that were promised")
