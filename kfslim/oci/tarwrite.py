"""Tar archives as layers want them: the same bytes for the same files, on any machine.

Headers are POSIX ustar (IEEE Std 1003.1, "pax", *ustar Interchange Format*), built by hand because
a layer of ten thousand small files spends more time in ``tarfile``'s objects than in reading them.
A pax header precedes a member only when a path or link is too long or not ASCII, or a file has
8 GiB or more.  Times are 0, owners are numbers without names, hardlinks do not exist here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import BinaryIO, Protocol

from kfslim.errors import BadImage, DiskError

BLOCK = 512
CHUNK = 1 << 20
_NAME, _PREFIX = 100, 155  # field widths of ustar, in bytes
_MAX_OCTAL_SIZE = 8**11  # the size field has eleven octal digits
_PADDING = bytes(BLOCK)
_REGULAR, _SYMLINK, _FOLDER, _PAX = b"0", b"2", b"5", b"x"


class Sink(Protocol):
    """What a tar can be written to."""

    def write(self, data: bytes, /) -> object:
        """Take all of ``data``."""


class TarWriter:
    """Writes members in the order they are added; every parent folder once, before its members.

    Give paths sorted by their parts (``key=lambda path: path.split("/")``): the order is part of
    the bytes.  Paths are relative, and one may be added once only.  ``uid`` and ``gid`` own all
    members.

    Raises (from every ``add_``):
        BadImage: a path that is absolute, has ``..`` or empty parts, was added before, or lies
            below something that is no folder.
    """

    def __init__(self, stream: Sink, *, uid: int = 0, gid: int = 0) -> None:
        self._write = stream.write
        self._owner = b"%07o\0%07o\0" % (uid, gid)
        self._is_folder: dict[str, bool] = {}
        self.files: list[tuple[str, int]] = []  # path and bytes of every regular file added

    def add_dir(self, path: str, mode: int = 0o755) -> None:
        """Add a folder, unless it was added before (as a parent, with mode 0755)."""
        if not self._is_folder.get(path):
            self._claim(path, folder=True)
            self._header(path + "/", _FOLDER, mode)

    def add_file(self, path: str, data: bytes | BinaryIO, size: int, mode: int = 0o644) -> None:
        """Add a regular file of ``size`` bytes.

        Raises:
            DiskError: the stream has fewer or more bytes than ``size``.
        """
        self._claim(path)
        self._header(path, _REGULAR, mode, size)
        if isinstance(data, bytes):
            written = len(data)
            self._write(data)
        else:
            written = self._copy(data, size)
        if written != size:
            raise DiskError(f"{path} has {written} bytes, not {size}: it changed while being read")
        if rest := size % BLOCK:
            self._write(_PADDING[rest:])
        self.files.append((path, size))

    def add_symlink(self, path: str, target: str) -> None:
        """Add a symbolic link with the text ``target``."""
        self._claim(path)
        self._header(path, _SYMLINK, 0o777, target=target)

    def finish(self) -> None:
        """Write the end of the archive; the stream stays open."""
        self._write(_PADDING * 2)

    def _copy(self, stream: BinaryIO, size: int) -> int:
        written = 0
        while written <= size and (chunk := stream.read(min(CHUNK, size - written + 1))):
            written += len(chunk)
            if written <= size:
                self._write(chunk)
        return written

    def _claim(self, path: str, folder: bool = False) -> None:
        if path in self._is_folder:
            raise BadImage(f"{path} is in a layer twice")
        parent, _, name = path.rpartition("/")
        if name in ("", ".", ".."):
            raise BadImage(f"{path!r} is no path inside a layer")
        if parent or path.startswith("/"):
            self._need_folder(parent, path)
        self._is_folder[path] = folder

    def _need_folder(self, parent: str, path: str) -> None:
        known = self._is_folder.get(parent)
        if known is None:
            self.add_dir(parent)
        elif not known:
            raise BadImage(f"{path} lies below {parent}, which is no folder")

    def _header(self, path: str, kind: bytes, mode: int, size: int = 0, target: str = "") -> None:
        name, link, records = _encode(path), _encode(target), b""
        fitted = _fit(name)
        if fitted is None or not path.isascii():
            records += _record(b"path", name)
            fitted = (name[:_NAME], b"")
        if len(link) > _NAME or not target.isascii():
            records += _record(b"linkpath", link)
            link = link[:_NAME]
        if size >= _MAX_OCTAL_SIZE:
            records += _record(b"size", b"%d" % size)
            size = 0
        if records:
            pax = _block((b"././@PaxHeader", b""), _PAX, _mode(0o644) + self._owner, len(records))
            self._write(pax + records + _PADDING[: -len(records) % BLOCK])
        self._write(_block(fitted, kind, _mode(mode) + self._owner, size, link))


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _fit(name: bytes) -> tuple[bytes, bytes] | None:
    """Split a path into ustar's name and prefix; None where it does not fit."""
    if len(name) <= _NAME:
        return name, b""
    cut = name.find(b"/", len(name) - _NAME - 1)
    if cut < 1 or cut > _PREFIX or cut == len(name) - 1:
        return None
    return name[cut + 1 :], name[:cut]


def _record(key: bytes, value: bytes) -> bytes:
    """One pax record, ``"%d %s=%s\\n"``: its length counts its own digits."""
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest) + 1
    while length != len(b"%d" % length) + len(rest):
        length = len(b"%d" % length) + len(rest)
    return b"%d" % length + rest


@lru_cache(maxsize=64)
def _mode(mode: int) -> bytes:
    return b"%07o\0" % (mode & 0o7777)


def _block(
    name: tuple[bytes, bytes], kind: bytes, attributes: bytes, size: int, link: bytes = b""
) -> bytes:
    """One header; ``attributes`` are the fields from mode to gid, ready to write."""
    before = b"%b%b%011o\x0000000000000\0" % (name[0].ljust(_NAME, b"\0"), attributes, size)
    after = b"%b%bustar\x0000%b0000000\x000000000\0%b" % (
        kind,
        link.ljust(_NAME, b"\0"),
        bytes(64),  # user and group names
        name[1].ljust(167, b"\0"),
    )
    checksum = sum(before) + sum(after) + 8 * 32  # its own field counts as spaces
    return b"%b%06o\0 %b" % (before, checksum, after)
