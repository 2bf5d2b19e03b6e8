"""One repository of one registry over HTTP: addresses, authorization, errors in words."""

from __future__ import annotations

import ipaddress
import json
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from kfslim.errors import (
    AuthError,
    FetchError,
    KfslimError,
    NotFound,
    RateLimited,
    StoreError,
)
from kfslim.net import ATTEMPTS, Answer, Http, Upload
from kfslim.oci.auth import Authorizer, login_hint
from kfslim.oci.credentials import find_credential
from kfslim.oci.reference import DOCKER_HUB, Reference

HUB_ENDPOINT = "registry-1.docker.io"
_MAX_ERROR_BYTES = 8 << 10
_MAX_ERROR_TEXT = 200
Body = bytes | Callable[[], Upload] | None


class Endpoint:
    """Asks the API of ``reference``'s repository (OCI distribution-spec 1.1).

    Plain HTTP is used for loopback addresses only, unless ``insecure``, which also accepts any
    certificate.  Safe to use from several threads.
    """

    def __init__(self, reference: Reference, insecure: bool = False) -> None:
        self.host, self.name = reference.host, reference.name
        self._at = HUB_ENDPOINT if self.host == DOCKER_HUB else self.host
        loopback = is_loopback(self.host)
        self._schemes = _schemes(loopback, insecure)
        self._scheme = self._schemes[0] if len(self._schemes) == 1 else ""
        self._lock = threading.Lock()
        self._http = Http(verify=not insecure, direct=loopback)
        self._authorizer = Authorizer(
            self._http,
            self.host,
            lambda: find_credential(self.host, self.name),
            allow_http=insecure or loopback,
        )

    @property
    def where(self) -> str:
        """``host/name``, for messages."""
        return f"{self.host}/{self.name}"

    def scope(self, actions: str, mounted: str = "") -> str:
        """Return the token scope for ``actions`` here, and for pulling from ``mounted``."""
        here = f"repository:{self.name}:{actions}"
        return f"{here} repository:{mounted}:pull" if mounted else here

    def ask(
        self,
        method: str,
        path: str,
        *,
        what: str,
        scope: str = "",
        headers: Mapping[str, str] | None = None,
        body: Body = None,
        attempts: int = ATTEMPTS,
    ) -> Answer:
        """Send a request to ``path`` under the repository, or to a whole URL the registry gave.

        A 401 is answered once with fresh authorization.  Any final answer is returned.

        Raises:
            StoreError: no answer came.
            AuthError: a token service refuses us.
            RateLimited: the registry asks us to wait for too long.
        """
        url = path if "://" in path else f"{self._base()}/v2/{self.name}/{path}"
        scope = scope or self.scope("pull")
        trusted = self._is_ours(url)
        for last in (False, True):
            header = self._authorizer.header(scope) if trusted else None
            answer = self._send(
                method,
                url,
                body=body,
                what=what,
                headers=headers,
                authorization=header,
                attempts=attempts,
            )
            if answer.status != 401 or last or not trusted:
                return answer
            challenge = answer.headers.get("WWW-Authenticate", "")
            if not self._authorizer.challenged(challenge, header, scope):
                return answer
            answer.close()
        raise AssertionError("unreachable")

    def _send(self, method: str, url: str, *, body: Body, **more: Any) -> Answer:
        try:
            data = body() if callable(body) else body
            return self._http.ask(method, url, data=data, **more)
        except FetchError as error:
            raise StoreError(error.message, hint=error.hint) from error

    def location(self, answer: Answer, what: str) -> str:
        """Return the whole URL of an answer's Location header, which may be relative.

        Raises:
            StoreError: there is none, or it leads from HTTPS to plain HTTP.
        """
        location = answer.headers.get("Location")
        if not location:
            raise StoreError(f"{what}: the registry does not say where to go on")
        return self.follow(answer, location, what)

    def follow(self, answer: Answer, link: str, what: str) -> str:
        """Return the whole URL of a link in an answer.

        Raises:
            StoreError: it leads from HTTPS to plain HTTP.
        """
        url = urljoin(answer.url, link)
        if urlsplit(url).scheme not in self._schemes:
            raise StoreError(f"{what}: the registry sends us from HTTPS to plain HTTP")
        return url

    def _is_ours(self, url: str) -> bool:
        """True when ``url`` is the registry itself: only it may see our credentials."""
        return urlsplit(url)[:2] == urlsplit(self._base())[:2]

    def _base(self) -> str:
        with self._lock:
            if not self._scheme:
                self._scheme = self._probe()
        return f"{self._scheme}://{self._at}"

    def _probe(self) -> str:
        """Find out which of two schemes the registry speaks, by one request to ``/v2/``."""
        first, second = self._schemes
        try:
            with self._http.ask(
                "GET", f"{first}://{self._at}/v2/", what=self.host, attempts=1
            ) as a:
                # Go's TLS server answers a plain request with 400 and a sentence about HTTPS
                wrong = a.status == 400 and b"HTTPS" in a.body(_MAX_ERROR_BYTES)
        except FetchError:
            wrong = True
        return second if wrong else first

    def failure(self, answer: Answer, what: str) -> KfslimError:
        """Return the error that an unwelcome answer means, and close it."""
        with answer:
            said = _error_text(answer)
        if answer.status in (401, 403):
            has = self._authorizer.has_credential
            verb = "refuses our credentials" if has else "needs credentials"
            return AuthError(f"{what}: the registry {verb}{said}", hint=login_hint(self.host))
        if answer.status == 404:
            return NotFound(f"{what}: not there{said}")
        if answer.status == 429:
            return RateLimited(
                f"{what}: the registry answers that we ask too often{said}",
                hint="Wait, or sign in: most registries allow more requests then.",
            )
        return StoreError(f"{what}: the registry answered {answer.status}{said}")

    def close(self) -> None:
        """Close all connections."""
        self._http.close()


def is_loopback(host: str) -> bool:
    """True for ``localhost`` and loopback addresses, with or without a port."""
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _schemes(loopback: bool, insecure: bool) -> tuple[str, ...]:
    if loopback:
        return ("http", "https")
    return ("https", "http") if insecure else ("https",)


def _error_text(answer: Answer) -> str:
    """Return the registry's own words (distribution-spec, "Error Codes"), shortened."""
    try:
        value: Any = json.loads(answer.body(_MAX_ERROR_BYTES))
        error = value["errors"][0]
        words = f"{error.get('code', '')} {error.get('message', '')}"
    except (FetchError, ValueError, LookupError, TypeError, AttributeError):
        return ""
    text = "".join(c if c.isprintable() else " " for c in words).strip()[:_MAX_ERROR_TEXT]
    return f" ({text})" if text else ""
