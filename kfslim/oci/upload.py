"""Sends one blob to a registry, and goes on where a broken transfer left off if it may.

A small blob is one POST and one PUT.  A large one is POST, one streamed PATCH as Docker's own
client sends it, and an empty PUT.  After a broken PATCH the registry is asked, at the newest
Location, how much it has (distribution-spec, "Pushing a blob in chunks"); one that cannot say, or
has thrown the upload away (as CNCF distribution 2.8 does), gets a new upload from the start.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from kfslim.errors import AuthError, DigestMismatch, KfslimError, RateLimited, StoreError
from kfslim.files import disk_errors
from kfslim.net import ATTEMPTS, CHUNK, RETRIED, Answer, Upload, pause
from kfslim.oci.endpoint import Endpoint
from kfslim.oci.image import Descriptor, Layer
from kfslim.oci.sending import Meter, Stopped

STREAMED_FROM = 8 << 20  # bytes: a smaller blob is not worth a third request
_LOST = frozenset({400, 404, 416})  # an upload that the registry no longer knows, or disagrees on
_RANGE = re.compile(r"(?:bytes=)?0-(\d+)\Z")


class _Broken(Exception):
    """A transfer that did not end well, but may if it starts again."""

    def __init__(self, error: KfslimError, retry_after: str | None = None) -> None:
        super().__init__(error.message)
        self.error, self.retry_after = error, retry_after


class BlobUpload:
    """One blob on its way to one repository."""

    def __init__(self, endpoint: Endpoint, layer: Layer, meter: Meter) -> None:
        self._endpoint, self._layer, self._meter = endpoint, layer, meter
        self._scope = endpoint.scope("pull,push")
        self._opened = ""  # the Location of an upload that is open but has nothing yet
        self._what = f"blob {layer.descriptor.digest[:19]} to {endpoint.where}"

    def exists(self) -> bool:
        """Ask whether the blob is there; a question that fails is asked again, not answered.

        Raises:
            StoreError, AuthError, RateLimited: the registry does not tell.
        """
        return blob_exists(self._endpoint, self._layer.descriptor, self._what, self._scope)

    def mount(self, name: str) -> bool:
        """Try to have the blob from repository ``name`` of the same registry, moving no bytes.

        A registry that cannot opens an upload instead; :meth:`send` goes on with that one.
        """
        query = urlencode({"mount": self._layer.descriptor.digest, "from": name})
        scope = self._endpoint.scope("pull,push", mounted=name)
        try:
            answer = self._endpoint.ask(
                "POST", f"blobs/uploads/?{query}", what=self._what, scope=scope, body=b""
            )
        except AuthError:  # not allowed to pull there: then it is sent like any other
            return False
        with answer:
            if answer.status == 202:
                self._opened = self._endpoint.location(answer, self._what)
            return answer.status == 201

    def send(self) -> None:
        """Send the blob, from the start as often as it takes, at most ``ATTEMPTS`` times.

        Raises:
            StoreError, AuthError, RateLimited: the registry does not take it.
            DigestMismatch: the registry says that other bytes arrived.
        """
        for attempt in range(ATTEMPTS):
            try:
                self._send_once()
            except _Broken as broken:
                if attempt + 1 == ATTEMPTS:
                    raise broken.error from broken
                time.sleep(pause(attempt, broken.retry_after, self._what))
                if self.exists():  # it was only the answer that got lost
                    return
            else:
                return

    def _send_once(self) -> None:
        location, self._opened = self._opened or self._open(), ""
        size = self._layer.descriptor.size
        if size < STREAMED_FROM:
            self._finish(location, size)
        else:
            self._finish(self._stream(location), 0)

    def _open(self) -> str:
        with self._accepted(self._ask("POST", "blobs/uploads/", body=b""), 202) as answer:
            return self._endpoint.location(answer, self._what)

    def _stream(self, location: str) -> str:
        """Send all bytes by PATCH, resuming while the registry gets on; return the Location."""
        offset = failures = 0
        size = self._layer.descriptor.size
        while offset < size:
            try:
                offset, location = self._patch(location, offset)
            except _Broken as broken:
                failures += 1
                if failures >= ATTEMPTS:
                    raise
                time.sleep(pause(failures - 1, broken.retry_after, self._what))
                reached, location = self._status(location, broken)
                failures = 0 if reached - offset >= CHUNK else failures
                offset = reached
        return location

    def _patch(self, location: str, offset: int) -> tuple[int, str]:
        size = self._layer.descriptor.size
        headers = {"Content-Type": "application/octet-stream"}
        if offset:
            headers["Content-Range"] = f"{offset}-{size - 1}"
        answer = self._stream_body("PATCH", location, offset, size - offset, headers)
        with self._accepted(answer, 202):
            reached = _reached(answer) or size
            # one that took less says so; what else it may say, the digest tells in the end
            reached = reached if offset < reached <= size else size
            return reached, self._endpoint.location(answer, self._what)

    def _status(self, location: str, broken: _Broken) -> tuple[int, str]:
        """Ask how many bytes have arrived, and where to go on.

        Raises:
            _Broken: the registry does not know this upload any more.
        """
        answer = self._ask("GET", location)
        with answer:
            reached = _reached(answer)
            if answer.status not in (200, 204) or reached is None:
                raise broken
            if not 0 <= reached <= self._layer.descriptor.size:
                raise broken
            follow = "Location" in answer.headers
            return reached, self._endpoint.location(answer, self._what) if follow else location

    def _finish(self, location: str, size: int) -> None:
        """Close the upload with its digest, sending ``size`` bytes (all or none) along."""
        digest = self._layer.descriptor.digest
        url = f"{location}{'&' if '?' in location else '?'}{urlencode({'digest': digest})}"
        headers = {"Content-Type": "application/octet-stream"}
        answer = self._stream_body("PUT", url, 0, size, headers)
        with self._accepted(answer, 201):
            said = answer.headers.get("Docker-Content-Digest", digest)
            if said != digest:
                raise DigestMismatch(f"{self._what}: the registry received {said}")
        self._meter.reach(self._layer.descriptor.size)

    def _stream_body(
        self, method: str, url: str, offset: int, size: int, headers: dict[str, str]
    ) -> Answer:
        def body() -> Upload:
            return Upload(self._chunks(offset) if size else iter(()), size)

        try:
            return self._ask(method, url, headers=headers, body=body, attempts=1)
        except (Stopped, RateLimited):
            raise
        except StoreError as error:
            raise _Broken(error) from error

    def _chunks(self, offset: int) -> Iterator[bytes]:
        """Yield the blob from ``offset`` on; what is before is read too, to check the digest."""
        with disk_errors("reading a layer"), self._layer.open() as stream:
            left = offset
            while left and (skipped := stream.read(min(CHUNK, left))):
                left -= len(skipped)
            yield from self._meter.follow(stream.chunks(), offset)

    def _ask(self, method: str, url: str, **more: Any) -> Answer:
        return self._endpoint.ask(method, url, what=self._what, scope=self._scope, **more)

    def _accepted(self, answer: Answer, status: int) -> Answer:
        """Return ``answer`` if it has ``status``.

        Raises:
            _Broken: it may be another one next time.
        """
        if answer.status == status:
            return answer
        passing = answer.status in RETRIED or answer.status in _LOST
        failure = self._endpoint.failure(answer, self._what)
        if passing:
            raise _Broken(failure, answer.headers.get("Retry-After"))
        raise failure


def _reached(answer: Answer) -> int | None:
    """Return the bytes that a Range header says have arrived (``0-0``: none), None if absent."""
    match = _RANGE.match(answer.headers.get("Range", "").strip())
    if not match:
        return None
    last = int(match[1])
    return last + 1 if last else 0


def blob_exists(endpoint: Endpoint, descriptor: Descriptor, what: str, scope: str) -> bool:
    """HEAD a blob."""
    with endpoint.ask("HEAD", f"blobs/{descriptor.digest}", what=what, scope=scope) as answer:
        if answer.status in (200, 404):
            return answer.status == 200
    raise endpoint.failure(answer, what)
