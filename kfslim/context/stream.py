"""How many bytes the classic builder's client sends: its tar stream, counted without writing it.

The client writes PAX headers with times in whole seconds and root as owner (moby/go-archive), so
that an entry has one block of 512 bytes, and an extended header of two or more where a value does
not fit (Go's archive/tar): names that are long or no ASCII, 8 GiB and more, times before 1970.
"""

from __future__ import annotations

import os
import stat

from kfslim.context.walk import Entry

BLOCK = 512
END = 2 * BLOCK  # two empty blocks
_NAME = 100  # bytes of a name in a plain header
_PREFIX = 155  # and of the folders before it
_OCTAL = 8**11  # sizes and times below it fit into a plain header


class Stream:
    """Counts the bytes of entries as they come, hard links by their first name."""

    def __init__(self) -> None:
        self._linked: dict[tuple[int, int], str] = {}

    def add(self, entry: Entry) -> tuple[int, int]:
        """Return the bytes that ``entry`` adds to the stream, and those of them that are data."""
        if stat.S_ISSOCK(entry.stat.st_mode):
            return 0, 0
        first = self._first(entry)
        data = entry.stat.st_size if entry.is_file and not first else 0
        extended = sum(len(record) for record in _records(entry, first or entry.target, data))
        header = BLOCK + (BLOCK + _padded(extended) if extended else 0)
        return header + _padded(data), data

    def _first(self, entry: Entry) -> str:
        """Return the name under which a hard-linked file was sent already."""
        if entry.is_folder or entry.stat.st_nlink < 2:
            return ""
        inode = (entry.stat.st_dev, entry.stat.st_ino)
        name = self._linked.setdefault(inode, entry.path)
        return "" if name == entry.path else name


def _records(entry: Entry, target: str, data: int) -> list[bytes]:
    """Return the records of an extended header: of all that is long, once one value needs it."""
    name = f"{entry.path}/" if entry.is_folder else entry.path
    seconds = entry.stat.st_mtime_ns // 10**9
    found = []
    if not _fits(target):
        found.append(_record(b"linkpath", os.fsencode(target)))
    if data >= _OCTAL:
        found.append(_record(b"size", b"%d" % data))
    if not 0 <= seconds < _OCTAL:
        found.append(_record(b"mtime", b"%d" % seconds))
    if not _fits(name) and (found or not _splits(name)):
        found.append(_record(b"path", os.fsencode(name)))
    return found


def _fits(text: str) -> bool:
    return len(text) <= _NAME and text.isascii()


def _splits(name: str) -> bool:
    """Say whether a long name fits into a plain header's two fields, parted at a slash."""
    parted = name[: _PREFIX + 1].rstrip("/").rfind("/")
    return name.isascii() and parted > 0 and len(name) - parted - 1 <= _NAME


def _record(key: bytes, value: bytes) -> bytes:
    """Return a PAX record, which begins with its own length."""
    rest = b" %s=%s\n" % (key, value)
    length = len(rest) + len(str(len(rest)))
    length = len(rest) + len(str(length))
    return b"%d%s" % (length, rest)


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
