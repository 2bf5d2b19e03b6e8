"""Content digests (OCI image-spec, descriptor.md "Digests"), and streams that prove themselves."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import BinaryIO

from kfslim.errors import BadImage, DigestMismatch

CHUNK = 1 << 20
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


def check_digest(text: str) -> str:
    """Return ``text`` if it is a well-formed sha256 digest.

    Raises:
        BadImage: it is not; kfslim handles sha256 only, as every registry does.
    """
    if not isinstance(text, str) or not _DIGEST.match(text):
        raise BadImage(f"{str(text)[:80]!r} is not a sha256 digest")
    return text


def digest_of(data: bytes) -> str:
    """``sha256:<hex>`` of ``data``."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


class VerifyingReader:
    """Reads a stream and raises at its end if digest or size are not the promised ones.

    It never returns more bytes than were promised, so a server cannot make us read without end.

    Raises (from ``read``):
        DigestMismatch: too many or too few bytes, or other bytes than the digest promises.
    """

    def __init__(self, stream: BinaryIO, digest: str, size: int, where: str = "") -> None:
        self._stream, self._digest, self._size, self._where = stream, digest, size, where
        self._hash = hashlib.sha256()
        self._seen = 0
        self._done = False

    def read(self, amount: int = -1) -> bytes:
        """Read up to ``amount`` bytes; ``-1`` reads all."""
        if self._done or amount == 0:
            return b""
        if amount < 0:
            return b"".join(iter(lambda: self.read(CHUNK), b""))
        chunk = self._stream.read(amount)
        if chunk:
            self._seen += len(chunk)
            self._hash.update(chunk)
            if self._seen > self._size:
                self._fail(f"is longer than its {self._size} bytes")
            return chunk
        self._done = True
        if self._seen != self._size:
            self._fail(f"ended after {self._seen} of {self._size} bytes")
        if "sha256:" + self._hash.hexdigest() != self._digest:
            self._fail("has other content")
        return b""

    def _fail(self, what: str) -> None:
        where = f" from {self._where}" if self._where else ""
        raise DigestMismatch(f"blob {self._digest}{where} {what}")

    def close(self) -> None:
        """Close the stream underneath."""
        self._stream.close()

    def __enter__(self) -> VerifyingReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def chunks(self) -> Iterator[bytes]:
        """Yield the rest, 1 MiB at a time."""
        return iter(lambda: self.read(CHUNK), b"")
