"""HTTP for everyone who needs it: one session, one retry rule, one translation of errors.

``requests`` is imported here and nowhere else.  Proxies and CA bundles come from the environment
(``HTTPS_PROXY``, ``REQUESTS_CA_BUNDLE``, ``SSL_CERT_FILE``), as everywhere else.
"""

from __future__ import annotations

import hashlib
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, InsecureRequestWarning, NewConnectionError

from kfslim._version import __version__
from kfslim.errors import DigestMismatch, FetchError, NotFound, RateLimited
from kfslim.files import atomic_path, disk_errors
from kfslim.progress import SILENT, Progress

ATTEMPTS = 6
CONNECT_ATTEMPTS = 3  # where nobody listens, or the name is unknown, waiting seldom helps
TIMEOUT = (10.0, 60.0)  # seconds: to connect, between two bytes
# Seconds to connect, and to wait for the answer.  The first also bounds each ``sendall`` of 1 MiB,
# which a slow line needs; a registry may copy a large blob before it answers.
UPLOAD_TIMEOUT = (60.0, 300.0)
BACKOFF = 0.25  # seconds before the second attempt, doubled before each further one
MAX_BACKOFF = 8.0
MAX_WAIT = 60.0  # seconds a server may ask us to wait in one Retry-After
RETRIED = frozenset({408, 429, 500, 502, 503, 504})
CHUNK = 1 << 20
_LONG = 64 << 10  # bytes: a body of unknown or greater length is not read to its end
CONNECTIONS = 16  # kept open per host, so that threads need not wait for one another


def open_session() -> requests.Session:
    """Return a session that says who we are and trusts what the machine trusts."""
    session = requests.Session()
    session.headers["User-Agent"] = f"kfslim/{__version__}"
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=CONNECTIONS))
    bundle = os.environ.get("SSL_CERT_FILE")
    if bundle and not os.environ.get("REQUESTS_CA_BUNDLE") and Path(bundle).is_file():
        session.verify = bundle
    return session


def redact(url: str) -> str:
    """Return ``url`` without user, password and query (signed URLs carry secrets there)."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def pause(attempt: int, retry_after: str | None = None, what: str = "the server") -> float:
    """Return the seconds to wait before attempt ``attempt`` + 1: Retry-After, else backoff.

    Raises:
        RateLimited: the server asks for more than ``MAX_WAIT`` seconds.
    """
    seconds = _seconds(retry_after)
    if seconds is None:
        longest = min(MAX_BACKOFF, BACKOFF * 2.0**attempt)
        return longest * (0.5 + random.random() / 2)  # noqa: S311 - spreads load, hides nothing
    if seconds > MAX_WAIT:
        raise RateLimited(
            f"{what}: the server asks to come back in {seconds:.0f} seconds",
            hint="Wait that long, or sign in to a registry that allows more requests.",
        )
    return seconds


def _seconds(retry_after: str | None) -> float | None:
    """Read a Retry-After header: seconds or an HTTP date (RFC 9110, section 10.2.3)."""
    text = (retry_after or "").strip()
    if text.isdigit():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=timezone.utc)
    return max(0.0, (when - datetime.now(timezone.utc)).total_seconds())


def retrying(
    attempt_once: Callable[[], requests.Response],
    what: str,
    sleep: Callable[[float], None] = time.sleep,
    attempts: int = ATTEMPTS,
) -> requests.Response:
    """Call until an answer comes that is final, at most ``attempts`` times.

    Connection errors, time-outs and the statuses in ``RETRIED`` are tried again.  The last answer
    is returned whatever its status; the caller reads it.

    Raises:
        FetchError: no answer came at all.
        RateLimited: the server asks us to wait too long.
    """
    attempt = 0
    while True:
        attempt += 1
        retry_after: str | None = None
        try:
            response = attempt_once()
        except requests.RequestException as error:
            if attempt >= _worth(error, attempts):
                raise FetchError(f"{what}: {_reason(error)}") from error
        else:
            if response.status_code not in RETRIED or attempt >= attempts:
                return response
            retry_after = response.headers.get("Retry-After")
            response.close()
        sleep(pause(attempt - 1, retry_after, what))


def _worth(error: requests.RequestException, attempts: int) -> int:
    """How many attempts an error is worth: a bad certificate stays bad, a reset may pass."""
    if isinstance(error, requests.exceptions.SSLError):
        return 1
    if isinstance(getattr(_innermost(error), "reason", None), NewConnectionError):
        return min(attempts, CONNECT_ATTEMPTS)
    passing = isinstance(error, requests.ConnectionError | requests.Timeout)
    return attempts if passing else 1


def _innermost(error: Any) -> Any:
    """Follow an error into those it was made of: urllib3 keeps the first cause among its words."""
    while causes := [a for a in getattr(error, "args", ()) if isinstance(a, Exception)]:
        error = causes[0]
    return error


def _reason(error: Exception | None) -> str:
    """Return the innermost reason of a connection error, in words and without a URL's secrets."""
    inner = _innermost(error)
    reason = getattr(inner, "reason", None) or inner
    text = str(reason).rpartition("): ")[2].rpartition(">: ")[2].strip()
    return text if text and "://" not in text else type(error).__name__


class TooLong(FetchError):
    """An answer that goes on beyond all reason."""


class Answer:
    """One final HTTP answer.  Its body can be read once; close it, or use it as a context.

    ``url`` is where the answer came from, after redirects.
    """

    def __init__(self, response: requests.Response, what: str) -> None:
        self._response, self.what = response, what
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self.url: str = response.url

    def read(self, amount: int = CHUNK) -> bytes:
        """Read up to ``amount`` bytes of the body as it was sent, ``b""`` at its end.

        Raises:
            FetchError: the connection broke.
        """
        try:
            data: bytes = self._response.raw.read(amount, decode_content=False)
        except (HTTPError, OSError) as error:
            raise FetchError(f"{self.what}: {_reason(error)}") from error
        return data

    def body(self, limit: int) -> bytes:
        """Read the whole body.

        Raises:
            FetchError: the connection broke.
            TooLong: there are more than ``limit`` bytes.
        """
        parts, left = [], limit
        while chunk := self.read(min(CHUNK, left + 1)):
            parts.append(chunk)
            left -= len(chunk)
            if left < 0:
                raise TooLong(f"{self.what}: the answer is longer than {limit} bytes")
        return b"".join(parts)

    def close(self) -> None:
        """Give the connection back; what is left of a short body is read, so that it can be used.

        Closing an unread response would close its connection, and the next request would have to
        connect (and greet in TLS) again.
        """
        length = self.headers.get("Content-Length", "")
        if length.isdigit() and int(length) < _LONG:
            with suppress(HTTPError, OSError, ValueError):
                self._response.raw.read(_LONG, decode_content=False)
        self._response.close()

    def __enter__(self) -> Answer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Upload:
    """A request body of known length that is sent as the chunks come.

    It has no ``read``: then urllib3 sends our 1 MiB chunks, not its own 16 KiB ones.
    """

    def __init__(self, chunks: Iterator[bytes], size: int) -> None:
        self._chunks, self._size = chunks, size

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks


class Http:
    """Requests with retries and without foreign exceptions.  Safe to use from several threads.

    ``verify`` False accepts any certificate; ``direct`` ignores proxies (for loopback).
    """

    def __init__(self, *, verify: bool = True, direct: bool = False) -> None:
        self._session = open_session()
        self._options: dict[str, Any] = {}
        if not verify:
            self._options["verify"] = False
            urllib3.disable_warnings(InsecureRequestWarning)  # the user asked for it, once
        if direct:
            self._options["proxies"] = dict.fromkeys(("http", "https", "all"))

    def ask(
        self,
        method: str,
        url: str,
        *,
        what: str,
        headers: Mapping[str, str] | None = None,
        authorization: str | None = None,
        data: bytes | Upload | Mapping[str, str] | None = None,
        attempts: int = ATTEMPTS,
    ) -> Answer:
        """Send one request, again when it fails in a way that may pass, and return the answer.

        ``what`` names it in messages.  ``authorization`` is a whole header value; it follows a
        redirect on the same host only.  Requests with a body are not redirected, and a streamed
        body can be sent once: use ``attempts=1``.

        Raises:
            FetchError: no answer came.
            RateLimited: the server asks us to wait for too long.
        """

        def once() -> requests.Response:
            return self._session.request(
                method,
                url,
                headers={"Accept-Encoding": "identity", **(headers or {})},
                auth=_Authorization(authorization),
                data=data,
                stream=True,
                timeout=TIMEOUT if data is None else UPLOAD_TIMEOUT,
                allow_redirects=data is None and method in ("GET", "HEAD"),
                **self._options,
            )

        return Answer(retrying(once, what, attempts=attempts), what)

    def close(self) -> None:
        """Close all connections."""
        self._session.close()


class _Authorization(requests.auth.AuthBase):
    """Sets our header; its presence also keeps ``~/.netrc`` from replacing it."""

    def __init__(self, value: str | None) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._value:
            request.headers["Authorization"] = self._value
        return request


class Resuming:
    """The body of a GET of ``size`` bytes; where the connection breaks, it asks for the rest.

    ``open_at(offset)`` asks from that byte on (``Range: bytes=offset-``) and returns a 200 or 206
    answer.  A server that ignores the range and sends everything again is read past what we have.
    """

    def __init__(self, open_at: Callable[[int], Answer], size: int) -> None:
        self._open_at, self._size = open_at, size
        self._seen = self._broke_at = self._failures = 0
        self._answer = open_at(0)

    def read(self, amount: int = CHUNK) -> bytes:
        """Read up to ``amount`` bytes.

        Raises:
            FetchError: it broke ``ATTEMPTS`` times without a MiB between two breaks.
        """
        while True:
            try:
                chunk = self._answer.read(amount)
            except FetchError as error:
                self._again(error)
                continue
            if chunk or self._seen >= self._size:
                self._seen += len(chunk)
                return chunk
            ended = f"ended after {self._seen} of {self._size} bytes"
            self._again(FetchError(f"{self._answer.what}: {ended}"))

    def _again(self, error: FetchError) -> None:
        """Open at the byte where it broke, and raise ``error`` when that leads nowhere."""
        if self._seen - self._broke_at >= CHUNK:
            self._failures = 0
        self._failures, self._broke_at = self._failures + 1, self._seen
        if self._failures >= ATTEMPTS:
            raise error
        self._answer.close()
        time.sleep(pause(self._failures - 1))
        self._answer = self._open_at(self._seen)
        if self._answer.status != 206 or not self._starts_right():
            self._skip(self._seen)

    def _starts_right(self) -> bool:
        return self._answer.headers.get("Content-Range", "").startswith(f"bytes {self._seen}-")

    def _skip(self, amount: int) -> None:
        while amount and (chunk := self._answer.read(min(CHUNK, amount))):
            amount -= len(chunk)

    def close(self) -> None:
        """Give the connection back."""
        self._answer.close()


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
        DigestMismatch: other bytes than promised.
    """
    where = redact(url)

    def open_at(offset: int) -> Answer:
        asked = {"Accept-Encoding": "identity", **(headers or {})}
        if offset:
            asked["Range"] = f"bytes={offset}-"
        response = retrying(
            lambda: session.get(url, stream=True, timeout=TIMEOUT, headers=asked), where
        )
        return _found(Answer(response, where), where)

    body = Resuming(open_at, size)
    try:
        with atomic_path(path) as temporary, progress.task(path.name, size) as task:
            digest, seen = hashlib.sha256(), 0
            with disk_errors(f"downloading {path.name}"), temporary.open("wb") as out:
                while seen <= size and (chunk := body.read()):
                    seen += len(chunk)
                    digest.update(chunk)
                    out.write(chunk)
                    task.advance(len(chunk))
            if seen != size or digest.hexdigest() != sha256:
                raise DigestMismatch(f"{where}: not the bytes that were promised")
    finally:
        body.close()


def _found(answer: Answer, where: str) -> Answer:
    if answer.status in (200, 206):
        return answer
    answer.close()
    if answer.status in (404, 410):
        raise NotFound(f"{where}: not there")
    if answer.status == 429:
        raise RateLimited(f"{where}: the server answers that we ask too often")
    raise FetchError(f"{where}: the server answered {answer.status}")
