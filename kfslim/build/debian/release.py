"""A suite's Release file: what the archive promises, signed.

Fetched as ``InRelease`` and kept in the cache.  For ``FRESH`` seconds the kept one is used as it
is; later the server is asked whether it changed.  The signature is checked at every use.
Format: https://wiki.debian.org/DebianRepository/Format
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from kfslim.build.debian.control import parse_stanza
from kfslim.build.debian.signatures import verify_clearsigned
from kfslim.build.debian.sources import Source
from kfslim.cache import Cache
from kfslim.canonical import sha256_hex
from kfslim.errors import DigestMismatch, FetchError, NotFound
from kfslim.files import disk_errors, write_atomic
from kfslim.net import Http, redact

FRESH = 3600.0  # seconds
MAX_BYTES = 8 << 20  # the largest InRelease in Debian has 0.2 MB


@dataclass(frozen=True, slots=True)
class Listed:
    """One index file that a Release promises; ``size`` in bytes, ``sha256`` in hex."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Release:
    """A verified Release: its ``source``, its index files by path, what was signed as a digest."""

    source: Source
    files: Mapping[str, Listed]
    by_hash: bool
    digest: str


def fetch_release(source: Source, http: Http, cache: Cache, now: float | None = None) -> Release:
    """Return the suite's Release, from the cache while it is fresh.

    Raises:
        NotFound: the mirror does not have the suite.
        FetchError: it cannot be fetched, or is no Release of Debian's for this suite, or expired.
        DigestMismatch: it is not signed by the keyring.
    """
    now = time.time() if now is None else now
    where = f"{redact(source.uri)} {source.suite}"
    signed = verify_clearsigned(
        _in_release(source, http, cache, now), source.keyrings, source.keys, where
    )
    return parse_release(signed, source, now)


def _in_release(source: Source, http: Http, cache: Cache, now: float) -> bytes:
    url = f"{source.uri}/dists/{source.suite}/InRelease"
    key = sha256_hex(url.encode())[:32]
    path = cache.root / "debian" / f"{key}.InRelease"
    known = cache.get("debian-release", key) or {}
    fresh = 0 <= now - float(known.get("checked", 0)) < FRESH
    if not (fresh and (path.is_file() or known.get("absent"))):
        known = {"checked": now, **_asked(http, url, path, str(known.get("validator", "")))}
        cache.put("debian-release", key, known)
    if known.get("absent"):
        raise NotFound(f"{redact(url)}: the mirror has no such suite")
    with disk_errors("reading a Release from the cache"):
        return path.read_bytes()


def _asked(http: Http, url: str, path: Path, validator: str) -> dict[str, Any]:
    """Ask the server; return what to remember of its answer, also that there is no such suite."""
    try:
        return {"validator": _refresh(http, url, path, validator if path.is_file() else "")}
    except NotFound:
        return {"absent": True}


def _refresh(http: Http, url: str, path: Path, validator: str) -> str:
    """Fetch ``url`` into ``path`` unless the server says that it is what ``validator`` came with.

    Validators are ETags or Last-Modified dates (RFC 9110, section 8.8).
    """
    where = redact(url)
    name = "If-None-Match" if validator.startswith(('"', "W/")) else "If-Modified-Since"
    headers = {"Cache-Control": "no-cache", **({name: validator} if validator else {})}
    with http.ask("GET", url, what=where, headers=headers) as answer:
        if answer.status == 304 and validator:
            return validator
        if answer.status in (404, 410):
            raise NotFound(f"{where}: not there")
        if answer.status != 200:
            raise FetchError(f"{where}: the server answered {answer.status}")
        write_atomic(path, answer.body(MAX_BYTES))
        return answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""


def parse_release(signed: bytes, source: Source, now: float) -> Release:
    """Read the signed text of a Release.

    Raises:
        FetchError: it belongs to another suite or origin, or is past its Valid-Until.
        DigestMismatch: it promises no SHA-256.
    """
    text = signed.decode("utf-8", "replace")
    fields = parse_stanza(text)
    where = f"{redact(source.uri)} {source.suite}"
    if fields.get("Origin") != "Debian":
        raise FetchError(f"{where}: is an archive of {fields.get('Origin', 'nobody')}, not Debian")
    if source.suite not in (fields.get("Suite"), fields.get("Codename")):
        raise FetchError(f"{where}: the mirror gives {fields.get('Codename')} instead")
    if source.check_valid_until:
        _check_valid(fields.get("Valid-Until", ""), where, now)
    files = {entry.path: entry for entry in _listed(fields.get("SHA256", ""))}
    if not files:
        raise DigestMismatch(f"{where}: the Release file promises no SHA-256")
    by_hash = fields.get("Acquire-By-Hash", "").lower() == "yes"
    return Release(source, files, by_hash, sha256_hex(signed))


def _check_valid(until: str, where: str, now: float) -> None:
    if not until:
        return
    try:
        end = parsedate_to_datetime(until)
    except ValueError as error:
        raise FetchError(f"{where}: Valid-Until is no date") from error
    if datetime.fromtimestamp(now, timezone.utc) > end.replace(tzinfo=end.tzinfo or timezone.utc):
        raise FetchError(
            f"{where}: the Release file expired on {until}",
            hint="The mirror is stale, or this machine's clock is wrong.",
        )


def _listed(block: str) -> list[Listed]:
    rows = (line.split() for line in block.splitlines())
    return [
        Listed(row[2], row[0], int(row[1]))
        for row in rows
        if len(row) == 3 and len(row[0]) == 64 and row[1].isdigit()
    ]


def index_of(release: Release, architecture: str) -> Listed:
    """Return the smallest form of the suite's package index that we can read.

    Raises:
        FetchError: the suite has no packages for the architecture.
    """
    stem = f"{release.source.component}/binary-{architecture}/Packages"
    for suffix in (".xz", ".gz", ""):
        if found := release.files.get(stem + suffix):
            return found
    raise FetchError(f"Debian {release.source.suite} has no packages for {architecture}")


def index_urls(release: Release, listed: Listed) -> list[str]:
    """Where to fetch an index: by hash first, for that name cannot change under us."""
    folder = f"{release.source.uri}/dists/{release.source.suite}"
    plain = f"{folder}/{listed.path}"
    if not release.by_hash:
        return [plain]
    parent = listed.path.rpartition("/")[0]
    return [f"{folder}/{parent}/by-hash/SHA256/{listed.sha256}", plain]
