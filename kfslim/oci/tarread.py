"""Tar archives of layers, read header by header while the stream passes by.

Formats: POSIX ustar and pax (IEEE Std 1003.1, "pax"), GNU long names and links, base-256 numbers
(GNU tar manual, "Basic Tar Format").  A skipped payload costs one read of 1 MiB at a time and no
copy; only one chunk is held.

What is refused, by everyone who reads a layer (:func:`safe_name`, :func:`safe_link`):

* names that are absolute or have a ``..`` part, and relative symlinks that climb above the root
  (Docker Engine refuses those too, as "breakout");
* GNU sparse members: no builder of images writes them, and their payload is not what it seems;
* truncated or damaged archives, headers that promise absurd sizes, and more than ``MAX_MEMBERS``
  members (the largest images have well under a million files).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

from kfslim.errors import BadImage
from kfslim.oci.codec import Stream
from kfslim.oci.digest import CHUNK

BLOCK = 512
MAX_MEMBERS = 2_000_000  # of one layer
MAX_FILE_BYTES = 1 << 43  # 8 TiB; the largest file of ext4 is 16 TiB
MAX_EXTENSION_BYTES = 1 << 20  # a pax header or GNU long name; Linux paths end at 4096 bytes

Kind = Literal["file", "folder", "symlink", "hardlink", "other"]
_KINDS: dict[bytes, Kind] = {
    b"0": "file",
    b"\0": "file",
    b"7": "file",
    b"1": "hardlink",
    b"2": "symlink",
    b"3": "other",
    b"4": "other",
    b"5": "folder",
    b"6": "other",
}
_ZEROS = bytes(BLOCK)
# name, mode, size, check sum, flag, link, magic, prefix
_FIELDS = struct.Struct("100s 8s 16x 12s 12x 8s c 100s 6s 82x 155s 12x")
_CACHED_FIELDS = 4096  # texts of numbers whose values are remembered; under 1 MB


class Entry(NamedTuple):
    """One member.  ``path`` is relative and normalised ("usr/bin/x"; the root is "").

    ``size`` is the payload in bytes, 0 for everything but regular files.  ``link`` is a symlink's
    text as written, or a hardlink's target as a normalised path.
    """

    path: str
    kind: Kind
    size: int
    mode: int
    link: str


def safe_name(name: str) -> str:
    """Return a member's name as a normalised path.

    Raises:
        BadImage: it is absolute (and not the root itself) or has a ``..`` part.
    """
    if name[:1] not in "./" and "/." not in name and "//" not in name and "\0" not in name:
        return name.removesuffix("/")
    kept = [part for part in name.split("/") if part not in ("", ".")]
    if (name.startswith("/") and kept) or ".." in kept or "\0" in name:
        raise BadImage(f"a layer names a file {name[:200]!r}: absolute paths and '..' are refused")
    return "/".join(kept)


def safe_link(path: str, target: str) -> str:
    """Return a symlink's target unchanged.

    Raises:
        BadImage: it is relative and climbs above the root of the image.
    """
    if ".." in target and not target.startswith("/"):
        depth = path.count("/")
        for part in target.split("/"):
            depth += -1 if part == ".." else part not in ("", ".")
            if depth < 0:
                raise BadImage(
                    f"a layer's symlink {path[:200]!r} -> {target[:200]!r} leaves the image"
                )
    return target


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


@lru_cache(_CACHED_FIELDS)
def _number(field: bytes) -> int:
    """Read an octal or base-256 number field; modes and most sizes come again and again.

    Raises:
        BadImage: neither, or negative.
    """
    if field[0] & 0x80:
        if field[0] != 0x80:
            raise BadImage("a tar header has a negative or absurd number")
        return int.from_bytes(field[1:], "big")
    try:
        number = int(field.partition(b"\0")[0].strip() or b"0", 8)
    except ValueError as error:
        raise BadImage(f"a tar header has the number {field[:24]!r}") from error
    if number < 0:
        raise BadImage("a tar header has a negative or absurd number")
    return number


@lru_cache(_CACHED_FIELDS)
def _expected_adler(field: bytes) -> int:
    """Return what the low half of a header's Adler-32 is, by its check sum field.

    The field holds the sum of the header's bytes, itself taken as spaces; Adler-32's low half is
    the sum + 1 modulo 65521 (RFC 1950), at C's speed.
    """
    return (_number(field) + sum(field) - 8 * 0x20 + 1) % 65521


def _pax_records(data: bytes) -> dict[str, str]:
    """Parse ``length key=value\\n`` records.

    Raises:
        BadImage: they are malformed, or describe a sparse member.
    """
    records: dict[str, str] = {}
    while data:
        length, _, _ = data.partition(b" ")
        if not length.isdigit() or not len(length) + 1 < int(length) <= len(data):
            raise BadImage("a pax header is malformed")
        key, equals, value = data[len(length) + 1 : int(length) - 1].partition(b"=")
        if not equals or data[int(length) - 1 : int(length)] != b"\n":
            raise BadImage("a pax header is malformed")
        if key.startswith(b"GNU.sparse."):
            raise BadImage("a layer has a sparse file, which kfslim does not read")
        records[_text(key)] = value.decode("utf-8", "surrogateescape")
        data = data[int(length) :]
    return records


class TarReader:
    """Iterates over the entries of a tar stream.

    Between two entries :meth:`payload` or :meth:`chunks` read the current file; what is not read is
    skipped.  The stream is read up to the end-of-archive marker.

    Raises (while iterating and reading):
        BadImage: the archive is malformed, truncated or hostile.
    """

    def __init__(self, stream: Stream, max_members: int = MAX_MEMBERS) -> None:
        self._stream = stream
        self._max_members = max_members
        self._buffer = b""
        self._at = 0
        self._left = 0  # payload bytes of the current entry that were not read yet
        self._padding = 0
        self._pax: dict[str, str] = {}
        self._global_pax: dict[str, str] = {}

    def __iter__(self) -> Iterator[Entry]:
        members = 0
        while (header := self._next_header()) is not None:
            entry = self._entry(header)
            if entry is None:
                continue
            members += 1
            if members > self._max_members:
                raise BadImage(f"a layer has more than {self._max_members} members")
            yield entry

    def payload(self, limit: int) -> bytes:
        """Return the current file's payload.

        Raises:
            BadImage: it is longer than ``limit`` bytes.
        """
        if self._left > limit:
            raise BadImage(f"a file of {self._left} bytes where at most {limit} were expected")
        return b"".join(self.chunks())

    def chunks(self) -> Iterator[bytes]:
        """Yield the current file's payload in pieces of at most 1 MiB."""
        while self._left:
            if self._at == len(self._buffer):
                self._fill()
            piece = self._buffer[self._at : self._at + self._left]
            self._at += len(piece)
            self._left -= len(piece)
            yield piece

    def _fill(self) -> None:
        self._buffer, self._at = self._stream.read(CHUNK), 0
        if not self._buffer:
            raise BadImage("a layer's tar archive is truncated")

    def _skip(self) -> None:
        """Go to the next header, over the rest of the payload and its padding."""
        ahead = self._left + self._padding - (len(self._buffer) - self._at)
        self._at += self._left + self._padding
        self._left = self._padding = 0
        while ahead > 0:
            self._fill()
            self._at = ahead
            ahead -= len(self._buffer)

    def _block(self) -> bytes:
        """Return the next 512 bytes; b"" at the end of the stream."""
        while len(self._buffer) - self._at < BLOCK:
            more = self._stream.read(CHUNK)
            if not more:
                if self._at < len(self._buffer):
                    raise BadImage("a layer's tar archive is truncated")
                return b""
            self._buffer, self._at = self._buffer[self._at :] + more, 0
        self._at += BLOCK
        return self._buffer[self._at - BLOCK : self._at]

    def _next_header(self) -> bytes | None:
        """Return the next header block, None at the end of the archive."""
        self._skip()
        header = self._block()
        if header == _ZEROS or not header:
            if header and self._block() not in (_ZEROS, b""):
                raise BadImage("a layer's tar archive goes on after its end")
            if self._pax:
                raise BadImage("a layer's tar archive ends after a pax header")
            return None
        return header

    def _entry(self, header: bytes) -> Entry | None:
        """Make the entry of a header block; None for a block that describes the next member."""
        name_field, mode, size_field, check, flag, target, magic, prefix = _FIELDS.unpack(header)
        if zlib.adler32(header) & 0xFFFF != _expected_adler(check):
            raise BadImage("not a tar archive, or a damaged one: a header's checksum is wrong")
        size = _number(size_field)
        if flag in b"xgLK":
            self._extend(flag, size)
            return None
        pax = self._global_pax
        if self._pax:
            pax, self._pax = {**self._global_pax, **self._pax}, {}
        name = pax.get("path") or _name(name_field, magic, prefix)
        kind = _KINDS.get(flag, "other")
        if flag == b"S":
            raise BadImage(f"a layer has a sparse file {name[:200]!r}, which kfslim does not read")
        if kind == "file" and flag == b"\0" and name.endswith("/"):
            kind = "folder"  # before POSIX a folder was a file with a slash
        self._expect(int(pax["size"]) if pax.get("size", "").isdigit() else size, flag)
        path = safe_name(name)
        if kind == "file":
            return Entry(path, kind, self._left, _number(mode) & 0o7777, "")
        link = pax.get("linkpath") or _text(target)
        return Entry(path, kind, 0, _number(mode) & 0o7777, _link_of(kind, path, link))

    def _expect(self, size: int, flag: bytes) -> None:
        """Note how many payload bytes follow: none for links, devices and folders."""
        if size > MAX_FILE_BYTES:
            raise BadImage(f"a tar header promises a file of {size} bytes")
        self._left = 0 if flag in b"123456" else size
        self._padding = -self._left % BLOCK

    def _extend(self, flag: bytes, size: int) -> None:
        """Take a header that describes the next member (or, ``g``, all that follow)."""
        if size > MAX_EXTENSION_BYTES:
            raise BadImage(f"a tar header promises {size} bytes of metadata")
        self._left, self._padding = size, -size % BLOCK
        data = self.payload(MAX_EXTENSION_BYTES)
        if flag == b"L":
            self._pax["path"] = _text(data)
        elif flag == b"K":
            self._pax["linkpath"] = _text(data)
        elif flag == b"x":
            self._pax.update(_pax_records(data))
        else:
            self._global_pax.update(_pax_records(data))


def _name(name: bytes, magic: bytes, prefix: bytes) -> str:
    """Return a header's name; POSIX ustar (not GNU, whose magic ends in spaces) has a prefix."""
    if prefix[0] and magic == b"ustar\0":
        return f"{_text(prefix)}/{_text(name)}"
    return _text(name)


def _link_of(kind: Kind, path: str, link: str) -> str:
    """Return the checked link of an entry, "" for what is no link."""
    if kind == "symlink":
        return safe_link(path, link)
    if kind == "hardlink":
        return safe_name(link.lstrip("/"))  # some builders write a hardlink's target absolute
    return ""
