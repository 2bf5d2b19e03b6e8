"""The writing side of layer compression: one pass gives the blob and all its digests.

The same codec gives the same bytes on any machine only for the same version of the library behind
it, so a :class:`Codec` names that version, plans record it, and :func:`check_codec` checks it.
Libraries are imported when a layer is written: reading plans needs none of them.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal, NamedTuple

from kfslim.errors import BadPlan
from kfslim.files import disk_errors
from kfslim.model import Model
from kfslim.oci.image import OCI_LAYER_GZIP, OCI_LAYER_ZSTD, Descriptor, FileSource, Layer

CodecName = Literal["gzip", "zstd"]

# Measured on site-packages of 153 distributions (docs/layers.md).  zlib-ng 5 writes 0.3 % more than
# 6 in 12 % less time, 4 already 2 % more.  zstd 3 is the level its authors tune for.
DEFAULT_LEVELS: dict[CodecName, int] = {"gzip": 5, "zstd": 3}
MEDIA_TYPES: dict[CodecName, str] = {"gzip": OCI_LAYER_GZIP, "zstd": OCI_LAYER_ZSTD}
_SLAB = 1 << 20  # bytes given to the compressor at a time, whatever the caller writes at a time
_GZIP_WINDOW = 31  # zlib: 15 bits of window, + 16 for a gzip header (without name and time)
_GZIP_MEMORY = 9


class Codec(Model):
    """How layers are compressed; another library version may give other bytes."""

    name: CodecName = "gzip"
    level: int = DEFAULT_LEVELS["gzip"]
    library: str = ""  # "zlib-ng 2.2.4"


def current_codec(name: CodecName = "gzip", level: int | None = None) -> Codec:
    """Return the codec as it is installed here; ``level`` None takes the measured default."""
    return Codec(name=name, level=level or DEFAULT_LEVELS[name], library=_library(name))


def check_codec(codec: Codec) -> None:
    """Refuse a codec whose library is not the one installed here.

    Raises:
        BadPlan: layers would get other bytes than the plan promises.
    """
    here = _library(codec.name)
    if codec.library != here:
        raise BadPlan(
            f"the plan's layers are compressed by {codec.library or 'an unnamed library'}, "
            f"but {here} is installed here, which may give other bytes",
            hint=f"Install {codec.library or 'that library'}, or make a new plan.",
        )


def _library(name: CodecName) -> str:
    if name == "gzip":
        from zlib_ng import zlib_ng

        return f"zlib-ng {zlib_ng.ZLIBNG_RUNTIME_VERSION}"
    import zstandard

    return "zstd " + ".".join(map(str, zstandard.ZSTD_VERSION))


def _compressor(codec: Codec) -> Any:
    if codec.name == "gzip":
        from zlib_ng import zlib_ng

        return zlib_ng.compressobj(codec.level, zlib_ng.DEFLATED, _GZIP_WINDOW, _GZIP_MEMORY)
    import zstandard

    # One worker thread gives the same bytes as many, no thread at all gives others.
    return zstandard.ZstdCompressor(level=codec.level, threads=1).compressobj()


class LayerFacts(NamedTuple):
    """What one pass over a layer tells: sizes in bytes."""

    diff_id: str
    digest: str
    content_bytes: int
    tar_bytes: int


class LayerWriter:
    """A file-like object that compresses what is written to it into ``path``.

    Hashing and compressing release the GIL, so several writers may work in threads.

    Raises (from ``write`` and ``close``):
        DiskError: the file cannot be written.
    """

    def __init__(self, codec: Codec, path: Path) -> None:
        self._compressor = _compressor(codec)
        self._plain, self._stored = hashlib.sha256(), hashlib.sha256()
        self._pending: list[bytes] = []
        self._pending_bytes = self._tar_bytes = self._content_bytes = 0
        with disk_errors(f"writing {path.name}"):
            self._file = path.open("wb", buffering=0)

    def write(self, data: bytes, /) -> int:
        """Take all of ``data``."""
        self._pending.append(data)
        self._pending_bytes += len(data)
        if self._pending_bytes >= _SLAB:
            self._drain()
        return len(data)

    def close(self) -> LayerFacts:
        """Finish the blob; its digests and sizes are known now."""
        self._compress(b"".join(self._pending))
        self._store(self._compressor.flush())
        self.abort()
        return LayerFacts(
            "sha256:" + self._plain.hexdigest(),
            "sha256:" + self._stored.hexdigest(),
            self._content_bytes,
            self._tar_bytes,
        )

    def abort(self) -> None:
        """Close the file as it is; what to do with the half-written blob is the caller's."""
        with disk_errors("closing a layer"):
            self._file.close()

    def _drain(self) -> None:
        data = memoryview(b"".join(self._pending))
        whole = len(data) - len(data) % _SLAB
        for start in range(0, whole, _SLAB):
            self._compress(data[start : start + _SLAB])
        self._pending = [bytes(data[whole:])]
        self._pending_bytes = len(data) - whole

    def _compress(self, slab: bytes | memoryview) -> None:
        self._plain.update(slab)
        self._tar_bytes += len(slab)
        self._store(self._compressor.compress(slab))

    def _store(self, stored: bytes) -> None:
        if stored:
            self._stored.update(stored)
            self._content_bytes += len(stored)
            with disk_errors("writing a layer"):
                self._write_all(memoryview(stored))

    def _write_all(self, data: memoryview) -> None:
        while data:  # an unbuffered write may be short
            data = data[self._file.write(data) :]


def as_layer(facts: LayerFacts, codec: Codec, path: Path) -> Layer:
    """Return a finished blob in a file as a layer of an image."""
    descriptor = Descriptor(MEDIA_TYPES[codec.name], facts.digest, facts.content_bytes)
    return Layer(descriptor, facts.diff_id, FileSource(str(path)))
