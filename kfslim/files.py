"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kfslim.errors import DiskError


@contextmanager
def disk_errors(doing: str) -> Iterator[None]:
    """Translate an ``OSError`` inside the block into a :class:`DiskError` that says what we did."""
    try:
        yield
    except OSError as error:
        where = f" at {error.filename}" if error.filename else ""
        raise DiskError(f"{doing} failed{where}: {error.strerror or error}") from error


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
