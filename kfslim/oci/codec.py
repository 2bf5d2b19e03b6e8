"""A layer's blob as the stream of its tar: decompressed, bounded, and proven.

The codec is told from the first bytes (RFC 1952, RFC 8878), not from the media type: registries
hold plain tars under gzip's name and the other way round.  gzip may have several members (pigz,
eStargz), zstd several frames.

Bounds, so that no blob can make us work or store without end:

* ``RATIO``: a layer may not expand to more than 100 times its stored bytes.  deflate itself stops
  at 1032:1 (zlib's "Technical Details", https://zlib.net/zlib_tech.html), zstd's RLE blocks far
  beyond; layers of real images lie between 1.5 and 8, and 100 is where Apache POI and Tika call it
  a bomb.
* ``FREE_BYTES``: below 256 MiB the ratio does not matter (a small layer with a preallocated file).
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from types import TracebackType
from typing import Any, Protocol, cast

import zstandard

from kfslim.errors import BadImage
from kfslim.oci.digest import CHUNK
from kfslim.oci.image import Layer

_open_gzip: Any = gzip.GzipFile
_gzip_errors: tuple[type[Exception], ...] = (zlib.error,)
with suppress(ImportError):  # twice zlib's rate; there are no wheels of it for every machine
    _open_gzip = import_module("isal.igzip").IGzipFile
    _gzip_errors = (zlib.error, import_module("isal.isal_zlib").error)  # no relation of zlib's

RATIO = 100
FREE_BYTES = 256 << 20
ZSTD_WINDOW = 128 << 20  # bytes; the limit of the zstd command line without --long
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
ZSTD_SKIPPABLE = b"\x2a\x4d\x18"  # after one byte 0x50..0x5f: a frame that carries no data


class Stream(Protocol):
    """What can be read."""

    def read(self, amount: int = -1, /) -> bytes:
        """Return up to ``amount`` bytes, b"" at the end."""


class _Ahead:
    """Chunks that are fetched by a thread of their own, a few before they are asked for."""

    CHUNKS = 3

    def __init__(self, fetch: Callable[[], bytes]) -> None:
        self._fetch = fetch
        self._pool = ThreadPoolExecutor(1)
        self._coming: deque[Future[bytes]] = deque()

    def next(self) -> bytes:
        """Return the next chunk, b"" at the end; raises what the fetching raised."""
        while len(self._coming) < self.CHUNKS:
            self._coming.append(self._pool.submit(self._fetch))
        return self._coming.popleft().result()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


class _Blob(io.RawIOBase):
    """The stored bytes of a blob: counted, and with a look at the first of them."""

    def __init__(
        self, next_chunk: Callable[[], bytes], advance: Callable[[int], None] | None
    ) -> None:
        self._next_chunk = next_chunk
        self._advance = advance
        self._held = memoryview(b"")
        self.count = 0

    def readable(self) -> bool:
        return True

    def peek(self, amount: int) -> bytes:
        """Return the next bytes, at least ``amount`` of them if there are as many."""
        held = bytes(self._held)
        while len(held) < amount and (more := self._fetch()):
            held += more
        self._held = memoryview(held)
        return held

    def readinto(self, buffer: Any, /) -> int:
        if not self._held:
            self._held = memoryview(self._fetch())
        amount = min(len(buffer), len(self._held))
        buffer[:amount] = self._held[:amount]
        self._held = self._held[amount:]
        return amount

    def _fetch(self) -> bytes:
        chunk = self._next_chunk()
        self.count += len(chunk)
        if self._advance and chunk:
            self._advance(len(chunk))
        return chunk


def _decompressed(blob: _Blob) -> Stream:
    """Return the decompressed bytes of ``blob``; errors of the codec come as they are."""
    head = blob.peek(4)[:4]
    if head.startswith(GZIP_MAGIC):
        return cast(Stream, _open_gzip(fileobj=blob, mode="rb"))
    if head == ZSTD_MAGIC or (head[1:] == ZSTD_SKIPPABLE and 0x50 <= head[0] <= 0x5F):
        codec = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
        return cast(Stream, codec.stream_reader(cast(Any, blob), read_across_frames=True))
    return cast(Stream, blob)


_CODEC_ERRORS: tuple[type[Exception], ...] = (
    OSError,  # gzip.BadGzipFile; stores translate their own OSErrors before we see them
    EOFError,
    ValueError,
    *_gzip_errors,
    zstandard.ZstdError,
)


class TarStream:
    """The uncompressed tar of one layer.

    Fetching (with its hash) and decompressing run ahead of the reader, each in a thread of its own,
    so that one large layer uses every core.  With ``prove_tar`` the tar's own digest is checked,
    too; without it only the blob's.

    Raises (from ``read`` and ``finish``):
        BadImage: the codec finds the blob damaged, it expands beyond the bounds, or it is not the
            tar whose digest (``diff_id``) the config names.
        DigestMismatch: the stored bytes are not what the manifest's digest promises.
    """

    def __init__(
        self, layer: Layer, prove_tar: bool = False, advance: Callable[[int], None] | None = None
    ) -> None:
        self._layer = layer
        self._limit = max(FREE_BYTES, RATIO * layer.descriptor.size)
        self._hash = hashlib.sha256() if prove_tar else None
        self._reader = layer.open()
        self._stored = _Ahead(lambda: self._reader.read(CHUNK))
        self._blob = _Blob(self._stored.next, advance)
        self._source: Stream | None = None
        self._plain = _Ahead(self._decompress)
        self._tar_bytes = 0

    @property
    def read_bytes(self) -> int:
        """Stored (compressed) bytes read so far."""
        return self._blob.count

    def read(self, _amount: int = CHUNK, /) -> bytes:
        """Return the next piece of the tar, at most 1 MiB; b"" at its end."""
        try:
            chunk = self._plain.next()
        except _CODEC_ERRORS as error:
            self._prove_blob()  # other bytes than were promised explain the damage better
            raise BadImage(f"{self._name} is damaged: {error}") from error
        self._tar_bytes += len(chunk)
        if self._tar_bytes > self._limit:
            raise BadImage(
                f"{self._name} expands from {self._layer.descriptor.size} bytes to more than "
                f"{self._limit}: refused as a decompression bomb"
            )
        if self._hash:
            self._hash.update(chunk)
        return chunk

    def finish(self) -> None:
        """Read what is left, so that the digests are checked."""
        while self.read():
            pass
        self._prove_blob()
        if self._hash and "sha256:" + self._hash.hexdigest() != self._layer.diff_id:
            raise BadImage(f"{self._name} is not the tar {self._layer.diff_id} of the config")

    def _prove_blob(self) -> None:
        """Read what is left of the stored bytes: at their end, their digest is checked."""
        self._plain.close()  # it may still be asking for more
        while self._stored.next():
            pass

    def _decompress(self) -> bytes:
        if self._source is None:
            self._source = _decompressed(self._blob)
        return self._source.read(CHUNK)

    @property
    def _name(self) -> str:
        return f"layer {self._layer.descriptor.digest}"

    def close(self) -> None:
        """Stop reading and close the blob."""
        self._plain.close()
        self._stored.close()
        self._reader.close()

    def __enter__(self) -> TarStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None
    ) -> None:
        self.close()


def open_tar(
    layer: Layer, prove_tar: bool = False, advance: Callable[[int], None] | None = None
) -> TarStream:
    """Open the uncompressed tar of ``layer``; :meth:`TarStream.finish` proves it at the end.

    ``advance`` is told of stored bytes as they are read, from another thread.

    Raises:
        NotFound, StoreError, AuthError: the layer's source does not give the blob.
    """
    return TarStream(layer, prove_tar, advance)
