"""Answers a registry's challenge: Basic, or Bearer by a token of its token service.

Source: CNCF distribution, docs/spec/auth/token.md and oauth.md.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from kfslim.errors import AuthError, RateLimited, StoreError
from kfslim.net import Answer, Http
from kfslim.oci.credentials import Credential

DEFAULT_SECONDS = 60  # a token's life when the service does not tell (token.md)
MARGIN_SECONDS = 10  # a token this close to its end is not used any more
_MAX_TOKEN_BYTES = 1 << 20
_PARAMETER = re.compile(r'([a-zA-Z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')


@dataclass(frozen=True, slots=True)
class Challenge:
    """One WWW-Authenticate header: its scheme in lower case, and its parameters."""

    scheme: str
    parameters: Mapping[str, str]

    @classmethod
    def parse(cls, header: str) -> Challenge:
        """Read a header (RFC 9110, section 11.6.1); of several challenges the first."""
        scheme, _, rest = header.strip().partition(" ")
        found = {m[1].lower(): m[2] or m[3] or "" for m in _PARAMETER.finditer(rest)}
        return cls(scheme.lower(), found)


class Authorizer:
    """Gives Authorization headers for one registry.  Safe to use from several threads.

    It sends nothing until the registry has challenged us once; from then on each request carries
    its header from the start.  Tokens are kept per scope until shortly before they end.
    ``allow_http`` lets credentials go to a token service over plain HTTP.
    """

    def __init__(
        self, http: Http, host: str, find: Callable[[], Credential | None], allow_http: bool
    ) -> None:
        self._http, self._host, self._allow_http = http, host, allow_http
        self._find, self._found = find, False
        self._credential: Credential | None = None
        self._challenge: Challenge | None = None
        self._tokens: dict[str, tuple[str, float]] = {}  # scope -> token, monotonic end
        self._lock = threading.RLock()

    @property
    def has_credential(self) -> bool:
        """True when a credential was looked up and found."""
        with self._lock:
            return self._credential is not None

    def header(self, scope: str) -> str | None:
        """Return the header value for ``scope``, None when none is needed or known.

        Raises:
            AuthError: the token service refuses us.
        """
        with self._lock:
            if self._challenge is None:
                return None
            if self._challenge.scheme == "basic":
                credential = self._lookup()
                return credential.basic if credential else None
            token, end = self._tokens.get(scope, ("", 0.0))
            if not token or end < time.monotonic():
                token = self._fetch(self._challenge, scope)
            return f"Bearer {token}"

    def challenged(self, header: str, refused: str | None, scope: str) -> bool:
        """Take in the challenge of a 401; return True when asking again has a chance.

        ``refused`` is the header value that was not accepted.
        """
        challenge = Challenge.parse(header)
        if challenge.scheme not in ("basic", "bearer"):
            return False
        with self._lock:
            self._challenge = challenge
            kept = self._tokens.get(scope)
            if kept and refused == f"Bearer {kept[0]}":
                del self._tokens[scope]
            if challenge.scheme == "basic":
                credential = self._lookup()
                return credential is not None and credential.basic != refused
            return True

    def _lookup(self) -> Credential | None:
        if not self._found:
            self._credential, self._found = self._find(), True
        return self._credential

    def _fetch(self, challenge: Challenge, scope: str) -> str:
        credential = self._lookup() or Credential()
        if credential.bearer_token:
            return credential.bearer_token
        realm = self._realm(challenge)
        asked = {"service": challenge.parameters.get("service", ""), "scope": scope}
        with self._ask(realm, asked, credential) as answer:
            token, seconds = self._token(answer, bool(credential.user))
        self._tokens[scope] = (token, time.monotonic() + max(0.0, seconds - MARGIN_SECONDS))
        return token

    def _realm(self, challenge: Challenge) -> str:
        realm = challenge.parameters.get("realm", "")
        allowed = ("https", "http") if self._allow_http else ("https",)
        if urlsplit(realm).scheme not in allowed:
            raise AuthError(
                f"{self._host} names a token service that is not https, which would see passwords"
            )
        return realm

    def _ask(self, realm: str, asked: dict[str, str], credential: Credential) -> Answer:
        """Ask the token service: an identity token by POST (oauth.md), else by GET (token.md)."""
        what = f"the token service of {self._host}"
        if credential.identity_token:
            form = {
                "grant_type": "refresh_token",
                "refresh_token": credential.identity_token,
                "client_id": "kfslim",
                **asked,
            }
            return self._http.ask("POST", realm, what=what, data=form)
        query = [("service", asked["service"])] if asked["service"] else []
        query += [("scope", part) for part in asked["scope"].split()]
        url = f"{realm}{'&' if urlsplit(realm).query else '?'}{urlencode(query)}"
        basic = credential.basic if credential.user else None
        return self._http.ask("GET", url, what=what, authorization=basic)

    def _token(self, answer: Answer, with_user: bool) -> tuple[str, float]:
        """Return the token and its life in seconds."""
        if answer.status == 429:
            raise RateLimited(f"the token service of {self._host} answers that we ask too often")
        if answer.status >= 500:
            raise StoreError(f"the token service of {self._host} fails ({answer.status})")
        if answer.status != 200:
            who = "our credentials" if with_user else "us without credentials"
            raise AuthError(
                f"the token service of {self._host} refuses {who} ({answer.status})",
                hint=login_hint(self._host),
            )
        try:
            value: Any = json.loads(answer.body(_MAX_TOKEN_BYTES))
            token = value.get("token") or value.get("access_token")
            seconds = float(value.get("expires_in") or DEFAULT_SECONDS)
        except (ValueError, AttributeError, TypeError):
            token = None
        if not isinstance(token, str) or not token:
            raise AuthError(f"the token service of {self._host} answered without a token") from None
        return token, seconds


def login_hint(host: str) -> str:
    """Return what to do about missing credentials."""
    return f"Run `docker login {host}`, or point DOCKER_CONFIG at a folder with a config.json."
