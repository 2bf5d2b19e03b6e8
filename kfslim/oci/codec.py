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
with suppress(ImportError):  # twice zlib's rate; there are no wheels of it for every machine
    _open_gzip = import_module("isal.igzip").IGzipFile

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


class _Blob(io.RawIOBase):
    """The stored bytes of a blob: counted, and with a look at the first of them."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._head = b""
        self.count = 0

    def readable(self) -> bool:
        return True

    def peek(self, amount: int) -> bytes:
        while len(self._head) < amount and (more := self._stream.read(amount - len(self._head))):
            self._head += more
        return self._head

    def readinto(self, buffer: Any, /) -> int:
        if self._head:
            data, self._head = self._head[: len(buffer)], self._head[len(buffer) :]
        else:
            data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self.count += len(data)
        return len(data)


def _decompressed(blob: _Blob) -> Stream:
    """Return the decompressed bytes of ``blob``; errors of the codec come as they are."""
    head = blob.peek(4)
    if head.startswith(GZIP_MAGIC):
        return cast(Stream, _open_gzip(fileobj=blob, mode="rb"))
    if head == ZSTD_MAGIC or (head[1:] == ZSTD_SKIPPABLE and 0x50 <= head[0] <= 0x5F):
        codec = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
        return cast(Stream, codec.stream_reader(cast(Any, blob), read_across_frames=True))
    return cast(Stream, blob)


class _BackgroundHash:
    """SHA-256 in a thread of its own: a single large layer uses the second core this way."""

    AHEAD = 4  # chunks that may wait

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._pool = ThreadPoolExecutor(1)
        self._waiting: deque[Future[None]] = deque()

    def update(self, chunk: bytes) -> None:
        if len(self._waiting) == self.AHEAD:
            self._waiting.popleft().result()
        self._waiting.append(self._pool.submit(self._hash.update, chunk))

    def digest(self) -> str:
        for future in self._waiting:
            future.result()
        return "sha256:" + self._hash.hexdigest()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


_CODEC_ERRORS: tuple[type[Exception], ...] = (
    OSError,  # gzip.BadGzipFile; stores translate their own OSErrors before we see them
    EOFError,
    ValueError,
    zlib.error,
    zstandard.ZstdError,
)


class TarStream:
    """The uncompressed tar of one layer.

    ``read_bytes`` counts the stored bytes read so far, ``tar_bytes`` the uncompressed ones.

    Raises (from ``read`` and ``finish``):
        BadImage: the codec finds the blob damaged, it expands beyond the bounds, or it is not the
            tar whose digest (``diff_id``) the config names.
        DigestMismatch: the stored bytes are not what the manifest's digest promises.
    """

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        self._blob = layer.open()
        self._stored = _Blob(self._blob)
        self._limit = max(FREE_BYTES, RATIO * layer.descriptor.size)
        self._hash = _BackgroundHash()
        self._source: Stream | None = None
        self.tar_bytes = 0

    @property
    def read_bytes(self) -> int:
        """Stored (compressed) bytes read so far."""
        return self._stored.count

    def read(self, amount: int = CHUNK, /) -> bytes:
        """Return up to ``amount`` bytes of the tar; b"" at its end."""
        try:
            if self._source is None:
                self._source = _decompressed(self._stored)
            chunk = self._source.read(amount)
        except _CODEC_ERRORS as error:
            raise BadImage(f"{self._name} is damaged: {error}") from error
        self.tar_bytes += len(chunk)
        if self.tar_bytes > self._limit:
            raise BadImage(
                f"{self._name} expands from {self._layer.descriptor.size} bytes to more than "
                f"{self._limit}: refused as a decompression bomb"
            )
        self._hash.update(chunk)
        return chunk

    def finish(self) -> None:
        """Read what is left, so that both digests are checked."""
        while self.read():
            pass
        while self._stored.read(CHUNK):
            pass
        if self._hash.digest() != self._layer.diff_id:
            raise BadImage(f"{self._name} is not the tar {self._layer.diff_id} of the config")

    @property
    def _name(self) -> str:
        return f"layer {self._layer.descriptor.digest}"

    def close(self) -> None:
        """Close the blob."""
        self._hash.close()
        self._blob.close()

    def __enter__(self) -> TarStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None
    ) -> None:
        self.close()


def open_tar(layer: Layer) -> TarStream:
    """Open the uncompressed tar of ``layer``; :meth:`TarStream.finish` proves it at the end.

    Raises:
        NotFound, StoreError, AuthError: the layer's source does not give the blob.
    """
    return TarStream(layer)
