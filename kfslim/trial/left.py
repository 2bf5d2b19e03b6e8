"""Reading what a run left in its folder: no link in it is followed, no size is trusted."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

LIMIT = 64 << 20  # bytes of one file that are read into memory
MAX_FILES = 100_000  # of one folder
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def open_left(folder: Path, path: str) -> BinaryIO | None:
    """Open a regular file below ``folder``; None if there is none, or a link on the way to it."""
    if ".." in path.split("/"):
        return None
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        *parents, name = [part for part in path.split("/") if part not in ("", ".")]
        for parent in parents:
            inner = os.open(parent, _FLAGS | os.O_DIRECTORY, dir_fd=here)
            os.close(here)
            here = inner
        file = os.open(name, _FLAGS, dir_fd=here)
    except (OSError, ValueError):
        return None
    finally:
        os.close(here)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        return None
    return os.fdopen(file, "rb")


def read_left(folder: Path, path: str, limit: int = LIMIT) -> bytes | None:
    """Return at most ``limit`` bytes of a file; None if there is none."""
    opened = open_left(folder, path)
    if opened is None:
        return None
    with opened:
        return opened.read(limit)


def read_json(folder: Path, path: str) -> Any:
    """Return what a JSON file holds; None if there is none, or no JSON in it."""
    data = read_left(folder, path)
    try:
        return None if data is None else json.loads(data)
    except (ValueError, RecursionError):
        return None


def files_left(folder: Path, path: str = "") -> Iterator[str]:
    """Yield the regular files below ``folder/path``, relative to ``folder``, sorted.

    ``folder/path`` may itself be a file.  Links are neither followed nor yielded.
    """
    top = folder / path
    if path and not _is_real(folder, path):
        return
    if top.is_file():
        yield path
        return
    count = 0
    for place, folders, names in os.walk(top, followlinks=False):
        folders.sort()
        for name in sorted(names):
            file = Path(place, name)
            count += 1
            if count > MAX_FILES:
                return
            if stat.S_ISREG(file.lstat().st_mode):
                yield file.relative_to(folder).as_posix()


def _is_real(folder: Path, path: str) -> bool:
    """True if no part of ``path`` is a link, and something is there."""
    parts = path.split("/")
    steps = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    return all(not (folder / s).is_symlink() for s in steps) and (folder / path).exists()
