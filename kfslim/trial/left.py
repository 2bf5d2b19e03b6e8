"""Reading what a run left in its folder: no link in it is followed, no size is trusted."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

LIMIT = 64 << 20  # bytes of one file that are read into memory
MAX_DEPTH = 50  # of JSON
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
    return None if data is None else parse_json(data.decode("utf-8", "replace"))


def parse_json(text: str) -> Any:
    """Return a value that can be compared and written again; None where the text gives none.

    ``NaN`` and numbers that no float holds become text.  What is nested deeper than
    ``MAX_DEPTH`` is no value.
    """
    try:
        found = json.loads(text, parse_constant=str, parse_int=_whole)
        return _clean(found, MAX_DEPTH)
    except (ValueError, RecursionError):
        return None


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) < 300 else digits


def _clean(value: Any, depth: int) -> Any:
    if not depth:
        raise ValueError("nested too deep")
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list):
        return [_clean(one, depth - 1) for one in value]
    if isinstance(value, dict):
        return {printable(key): _clean(one, depth - 1) for key, one in value.items()}
    return value


def printable(text: str) -> str:
    """Return ``text`` without halves of surrogate pairs: no file could hold them as UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")


def files_left(folder: Path, path: str = "") -> Iterator[str]:
    """Yield the regular files below ``folder/path``, relative to ``folder``, sorted.

    ``folder/path`` may itself be a file.  Links are neither followed nor yielded.
    """
    if path and not _is_real(folder, path):
        return
    if (folder / path).is_file():
        yield path
        return
    found = []
    for file in _walk(folder / path):
        found.append(file.relative_to(folder).as_posix())
        if len(found) == MAX_FILES:
            break
    yield from sorted(found)


def _walk(top: Path) -> Iterator[Path]:
    """Yield regular files; a folder nested too deep to be opened is passed over."""
    waiting = [top]
    while waiting:
        try:
            entries = [*os.scandir(waiting.pop())]
        except OSError:
            continue
        waiting += [Path(e.path) for e in entries if e.is_dir(follow_symlinks=False)]
        yield from (Path(e.path) for e in entries if e.is_file(follow_symlinks=False))


def _is_real(folder: Path, path: str) -> bool:
    """True if no part of ``path`` is a link, and something is there."""
    parts = path.split("/")
    steps = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    return all(not (folder / s).is_symlink() for s in steps) and (folder / path).exists()
