"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kfslim.errors import DiskError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FREE_SPACE = "Free space there, or move what is kept between runs by --cache-dir."


@contextmanager
def disk_errors(doing: str) -> Iterator[None]:
    """Translate an ``OSError`` inside the block into a :class:`DiskError` that says what we did."""
    try:
        yield
    except OSError as error:
        where = f" at {error.filename}" if error.filename else ""
        hint = _FREE_SPACE if error.errno in _FULL else ""
        raise DiskError(f"{doing} failed{where}: {error.strerror or error}", hint=hint) from error


def check_writable(*paths: Path | None) -> None:
    """Check, before long work, that files can be made at ``paths`` (None: nothing to check).

    Raises:
        DiskError: a folder on the way is none, or must not be written.
    """
    for path in filter(None, paths):
        folder = next(parent for parent in path.absolute().parents if os.access(parent, os.F_OK))
        if not folder.is_dir():
            raise DiskError(f"{path} cannot be written: {folder} is no folder")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise DiskError(f"{path} cannot be written: no permission in {folder}")


@contextmanager
def atomic_path(path: Path, mode: int = 0o644) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it becomes ``path`` in one rename.

    On any exception the temporary file is removed and ``path`` stays as it was.

    Raises:
        DiskError: the folder cannot be made or written.
    """
    with disk_errors(f"writing {path.name}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with disk_errors(f"writing {path.name}"):
            temporary.chmod(mode)
            temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def write_atomic(path: Path, data: bytes | str) -> None:
    """Write ``data`` (text as UTF-8) to ``path`` in one rename."""
    payload = data.encode() if isinstance(data, str) else data
    with atomic_path(path) as temporary, disk_errors(f"writing {path.name}"):
        temporary.write_bytes(payload)
