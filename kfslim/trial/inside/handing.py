"""What goes into a trial's folder and comes back: regular files and folders, nothing else.

A command may leave symlinks, devices, pipes and sockets; whoever reads the folder later would
follow them to files of this machine.  So they do not come back.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from typing import NamedTuple

LONGEST = 2048  # characters of a path in the folder; Linux takes 4096 bytes with all above it
MOST_ITEMS = 100_000  # files and folders that a folder may hold
_CHUNK = 1 << 20


class TooMuch(Exception):
    """What a command left is larger than its limit."""


class Item(NamedTuple):
    """A file or folder; ``path`` is relative, ``size`` in bytes (0 for folders)."""

    path: str
    is_folder: bool
    executable: bool
    size: int


def contents(folder: str) -> Iterator[Item]:
    """Yield all below ``folder``, parents first, but for paths that are ``LONGEST`` and more."""
    stack = [""]
    while stack:
        parent = stack.pop()
        for name, info in _listed(os.path.join(folder, parent)):
            path = f"{parent}{name}"
            if len(path) > LONGEST:
                continue
            if stat.S_ISDIR(info.st_mode):
                yield Item(path, True, True, 0)
                stack.append(path + "/")
            elif stat.S_ISREG(info.st_mode):
                yield Item(path, False, bool(info.st_mode & 0o111), info.st_size)


def _listed(folder: str) -> list[tuple[str, os.stat_result]]:
    try:
        with os.scandir(folder) as entries:
            return sorted((entry.name, entry.stat(follow_symlinks=False)) for entry in entries)
    except OSError:
        return []


class Receiver:
    """Fills a folder, at most ``most_bytes`` and ``MOST_ITEMS``; what was in it is removed first.

    With ``owner`` all of it goes to that user.

    Raises (on every call):
        TooMuch: it would get larger.
        OSError: the folder cannot be written.
    """

    def __init__(self, folder: str, most_bytes: int, owner: int | None = None) -> None:
        self._folder = folder
        self._left = most_bytes
        self._items = 0
        self._owner = owner
        _empty(folder)

    def folder(self, path: str) -> None:
        """Make a folder whose parent is there."""
        self._count()
        os.mkdir(self._at(path), 0o755)
        self._own(path)

    def file(self, path: str, executable: bool, chunks: Iterable[bytes]) -> None:
        """Write a new file whose folder is there."""
        self._count()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with open(os.open(self._at(path), flags, 0o600), "wb") as out:
            for chunk in chunks:
                self._left -= len(chunk)
                if self._left < 0:
                    raise TooMuch
                out.write(chunk)
            os.fchmod(out.fileno(), 0o755 if executable else 0o644)
        self._own(path)

    def _count(self) -> None:
        self._items += 1
        if self._items > MOST_ITEMS:
            raise TooMuch

    def _at(self, path: str) -> str:
        return os.path.join(self._folder, path)

    def _own(self, path: str) -> None:
        if self._owner is not None:
            os.chown(self._at(path), self._owner, self._owner, follow_symlinks=False)


def _empty(folder: str) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)


def hand_over(source: str, receiver: Receiver) -> None:
    """Copy what lies in the folder ``source``.

    Raises:
        TooMuch, OSError: see :class:`Receiver`.
    """
    for item in contents(source):
        if item.is_folder:
            receiver.folder(item.path)
        else:
            path = os.path.join(source, item.path)
            receiver.file(item.path, item.executable, read_file(path))


def read_file(path: str) -> Iterator[bytes]:
    """Yield the bytes of a regular file; a symlink is refused with OSError."""
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
