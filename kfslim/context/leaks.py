"""Secrets that a build would send to the builder, and that ``COPY . .`` puts into a layer."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from kfslim.context.folder import open_folder
from kfslim.context.kinds import CACHE, ENVIRONMENT, HISTORY, Sort, Wholes
from kfslim.context.model import Dialect, Leak
from kfslim.context.secrets import PROBE, find_secret
from kfslim.context.walk import Entry, walk
from kfslim.files import disk_errors

_NAMED = 3  # in one sentence
_OF_OTHERS = (ENVIRONMENT, HISTORY, CACHE)  # what lies there is a finding as a whole


def leaks(
    folder: Path, dockerfile: Path | None = None, dialect: Dialect = "buildkit"
) -> tuple[Leak, ...]:
    """Return the secrets in a build context, in the order of their paths.

    Virtual environments, caches and version control are not searched (but for ``.git/config``):
    packages bring keys for their own tests.

    Raises:
        InputError: there is no such folder or Dockerfile, or something in it cannot be read.
        BadConfig: an ignore file that is malformed.
    """
    context = open_folder(folder, dockerfile, dialect)
    root, wholes = context.root, Wholes(context.root)
    entries = walk(root, context.ignore, context.dialect)
    found = (leak_at(root, entry, wholes.sort(entry)) for entry in entries)
    return tuple(leak for leak in found if leak)


def leaks_among(files: Mapping[str, bytes | Path]) -> tuple[Leak, ...]:
    """Return the secrets in a context that is put together: path in it → content, or a file.

    Raises:
        DiskError: a file cannot be read.
    """
    found = []
    for path, source in sorted(files.items()):
        with disk_errors(f"reading {path}"):
            size = len(source) if isinstance(source, bytes) else source.stat().st_size
        found.append(_leak(path, size, partial(_head, source)))
    return tuple(leak for leak in found if leak)


def told(found: tuple[Leak, ...]) -> str:
    """Return ``2 secrets: .env (KS701), key.pem (KS702)``."""
    named = [f"{leak.path} ({leak.code})" for leak in found[:_NAMED]]
    more = len(found) - _NAMED
    count = f"{len(found)} secrets" if len(found) > 1 else "a secret"
    return f"{count}: {', '.join(named)}" + (f" and {more} more" if more > 0 else "")


def leak_at(root: Path, entry: Entry, whole: Sort | None) -> Leak | None:
    """Return the secret that an entry holds; ``whole`` is what its folder is."""
    skipped = whole and whole.kind in _OF_OTHERS
    if not entry.is_file or (skipped and not entry.path.endswith(".git/config")):
        return None
    size = entry.stat.st_size
    return _leak(entry.path, size, _reader(f"{root}/{entry.path}", size))


def shown(path: str) -> str:
    """Return the path as text that can be written: bytes that are no UTF-8 become U+FFFD."""
    return os.fsencode(path).decode("utf-8", "replace")


def _leak(path: str, size: int, read: Callable[[], bytes]) -> Leak | None:
    found = find_secret(path, read)
    if not found:
        return None
    secret, pattern = found
    return Leak(
        code=secret.code,
        kind=secret.kind,
        path=shown(path),
        file_bytes=size,
        pattern=pattern,
        why=secret.why,
    )


def _head(source: bytes | Path) -> bytes:
    if isinstance(source, bytes):
        return source[:PROBE]
    with disk_errors(f"reading {source}"), source.open("rb") as stream:
        return stream.read(PROBE)


def _reader(path: str, size: int) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            with open(path, "rb", buffering=0) as stream:  # noqa: PTH123  (100,000 of them)
                return stream.read(min(size, PROBE))
        except OSError:  # gone since it was listed; what cannot be read was refused before
            return b""

    return read
