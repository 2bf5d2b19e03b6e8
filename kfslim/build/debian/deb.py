"""Reading ``.deb`` files (deb(5)): an ``ar`` archive of two tars, control and data.

The data tar is decompressed once into a scratch file; members are slices of it, so that a package
of any size costs no memory and no file per member.
"""

from __future__ import annotations

import io
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from kfslim.build.debian.control import Stanza, parse_stanza
from kfslim.errors import BadImage
from kfslim.files import disk_errors

_MAGIC = b"!<arch>\n"
_CHUNK = 1 << 20
MAX_CONTROL = 64 << 20  # bytes of all control files of one package
Kind = Literal["file", "folder", "symlink"]


@dataclass(frozen=True, slots=True)
class Slice:
    """``size`` bytes at ``offset`` of a file."""

    path: Path
    offset: int
    size: int

    def read(self, offset: int = 0, size: int | None = None) -> bytes:
        """Read ``size`` bytes from ``offset`` on, all of them by default, never beyond the end."""
        left = max(0, self.size - offset)
        with disk_errors("reading an unpacked package"), self.path.open("rb") as stream:
            stream.seek(self.offset + offset)
            return stream.read(left if size is None else min(size, left))

    def open(self) -> Part:
        """Open them for reading; close it."""
        with disk_errors("reading an unpacked package"):
            return Part(self)


class Part(io.RawIOBase):
    """A stream of a slice's bytes that ends where the slice does."""

    def __init__(self, part: Slice) -> None:
        self._stream = part.path.open("rb")
        self._stream.seek(part.offset)
        self._left = part.size

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill ``buffer`` as far as the slice goes."""
        data = self._stream.read(min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._left -= len(data)
        return len(data)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        super().close()


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a package's data: ``path`` is relative, without ``./``.

    A hardlink reads as a symlink to the member that it names: the same bytes once, and a layer
    without hardlinks.
    """

    path: str
    kind: Kind
    mode: int = 0o755
    content: Slice | bytes = b""
    target: str = ""

    @property
    def size(self) -> int:
        """Bytes of a regular file."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.size

    def read(self, offset: int = 0, size: int | None = None) -> bytes:
        """Read a regular file, or ``size`` bytes of it from ``offset`` on."""
        if isinstance(self.content, bytes):
            return self.content[offset : None if size is None else offset + size]
        return self.content.read(offset, size)


@dataclass(frozen=True)
class Deb:
    """One opened package: its control files by name, its stanza and its members, in order."""

    control: dict[str, bytes]
    fields: Stanza
    members: tuple[Member, ...]

    @property
    def name(self) -> str:
        """The package's name."""
        return self.fields.get("Package", "")

    def text(self, name: str) -> str:
        """A control file as text; empty where there is none."""
        return self.control.get(name, b"").decode("utf-8", "replace")


def open_deb(path: Path, scratch: Path) -> Deb:
    """Open the package at ``path``; its data lies in the folder ``scratch`` as long as it is used.

    Raises:
        BadImage: it is no package, or holds device files, or paths that lead out of it.
    """
    parts = dict(_ar_members(path))
    control = _control_files(_part(parts, "control", path))
    fields = parse_stanza(control.get("control", b"").decode("utf-8", "replace"))
    if not fields.get("Package"):
        raise BadImage(f"{path.name} is a Debian package without a name")
    name, data = _part(parts, "data", path)
    plain = scratch / f"{fields['Package']}.tar"
    with disk_errors("unpacking a package"), plain.open("wb") as out:
        for chunk in _decompressed(name, data):
            out.write(chunk)
    return Deb(control, fields, tuple(_members(plain, fields["Package"])))


def _ar_members(path: Path) -> Iterator[tuple[str, Slice]]:
    with disk_errors("reading a package"), path.open("rb") as stream:
        if stream.read(len(_MAGIC)) != _MAGIC:
            raise BadImage(f"{path.name} is no Debian package")
        while header := stream.read(60):
            size = header[48:58].strip()
            if len(header) != 60 or header[58:] != b"`\n" or not size.isdigit():
                raise BadImage(f"{path.name} is a damaged Debian package")
            name = header[:16].decode("ascii", "replace").strip().rstrip("/")
            start, length = stream.tell(), int(size)
            yield name, Slice(path, start, length)
            stream.seek(start + length + length % 2)


def _part(parts: dict[str, Slice], stem: str, path: Path) -> tuple[str, Slice]:
    found = [name for name in parts if name.startswith(f"{stem}.tar")]
    if len(found) != 1:
        raise BadImage(f"{path.name} is a Debian package with {len(found)} {stem} archives")
    return found[0], parts[found[0]]


def _decompressed(name: str, data: Slice) -> Iterator[bytes]:
    feed = _decompressor(name.rpartition(".")[2])
    with data.open() as stream:
        while chunk := stream.read(_CHUNK):
            try:
                yield feed(chunk)
            except Exception as error:  # lzma.LZMAError, zlib.error, zstandard.ZstdError
                raise BadImage(f"{data.path.name}: {name} is damaged") from error


def _decompressor(suffix: str) -> Callable[[bytes], bytes]:
    if suffix == "xz":
        return lzma.LZMADecompressor().decompress
    if suffix == "gz":
        return zlib.decompressobj(31).decompress
    if suffix == "zst":
        import zstandard

        feed: Callable[[bytes], bytes] = zstandard.ZstdDecompressor().decompressobj().decompress
        return feed
    if suffix == "tar":
        return bytes
    raise BadImage(f"a Debian package is compressed by {suffix}, which kfslim cannot read")


def _control_files(part: tuple[str, Slice]) -> dict[str, bytes]:
    data, size = [], 0
    for chunk in _decompressed(*part):
        size += len(chunk)
        if size > MAX_CONTROL:
            raise BadImage(
                f"{part[1].path.name} has more than {MAX_CONTROL} bytes of control files"
            )
        data.append(chunk)
    files: dict[str, bytes] = {}
    for info, tar in _walk(io.BytesIO(b"".join(data)), part[1].path.name):
        if info.isreg() and (stream := tar.extractfile(info)):
            files[info.name.removeprefix("./")] = stream.read()
    return files


def _walk(stream: BinaryIO, where: str) -> Iterator[tuple[tarfile.TarInfo, Any]]:
    try:
        with tarfile.open(fileobj=stream, mode="r:") as tar:
            for info in tar:
                yield info, tar
    except tarfile.TarError as error:
        raise BadImage(f"{where}: its archive is damaged: {error}") from error


def _members(plain: Path, package: str) -> Iterator[Member]:
    with disk_errors("reading a package"), plain.open("rb") as stream:
        for info, _ in _walk(stream, package):
            path = inside(info.name, package)
            if path:
                yield _member(info, path, plain, package)


def _member(info: tarfile.TarInfo, path: str, plain: Path, package: str) -> Member:
    mode = info.mode & 0o7777
    if info.isdir():
        return Member(path, "folder", mode)
    if info.issym():
        return Member(path, "symlink", 0o777, target=info.linkname)
    if info.islnk():
        return Member(path, "symlink", 0o777, target="/" + inside(info.linkname, package))
    if info.isreg():
        return Member(path, "file", mode, Slice(plain, info.offset_data, info.size))
    raise BadImage(f"the Debian package {package} holds a device file, {path}")


def inside(name: str, package: str) -> str:
    """Return a member's path without ``./`` and the final ``/``; empty for the root itself.

    Raises:
        BadImage: it is absolute or leads out of the package.
    """
    path = name.removeprefix("./").rstrip("/")
    if path in ("", "."):
        return ""
    if path.startswith("/") or any(part in ("", ".", "..") for part in path.split("/")):
        raise BadImage(f"the Debian package {package} holds the path {name!r}, which leads astray")
    return path
