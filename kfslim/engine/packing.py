"""A build context → one tar archive, every file read once.

Members are sorted and have no times and no owners: an engine finds again what it built from the
same context, and what COPY brings into an image has no times either.
"""

from __future__ import annotations

import errno
import io
import os
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from kfslim.errors import InputError
from kfslim.files import disk_errors

_Seen = tuple[int, int, int]  # size in bytes, time of the last change in ns, inode


@contextmanager
def packed(files: Mapping[str, bytes | Path]) -> Iterator[BinaryIO]:
    """Yield an unnamed file that holds ``files`` (path in the context → content, or a file).

    Raises:
        InputError: a file is gone, or changed since it was listed.
        DiskError: there is no room, or a file cannot be read.
    """
    listed = {n: _stat(n, source) for n, source in files.items() if isinstance(source, Path)}
    with disk_errors("packing the build context"):
        archive = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115
    with archive:
        with (
            disk_errors("packing the build context"),
            tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            for name in sorted(files):
                _add(tar, name, files[name], listed)
        archive.seek(0)
        yield archive


def _stat(name: str, path: Path) -> os.stat_result:
    try:
        return path.stat()
    except FileNotFoundError as error:
        raise InputError(f"{name} of the build context is not there") from error
    except OSError as error:
        raise InputError(f"{name} of the build context: {error.strerror}") from error


def _add(
    tar: tarfile.TarFile, name: str, source: bytes | Path, listed: Mapping[str, os.stat_result]
) -> None:
    if isinstance(source, bytes):
        tar.addfile(_member(name, len(source)), io.BytesIO(source))
        return
    before = listed[name]
    try:
        with source.open("rb") as file:
            _check_same(name, before, os.fstat(file.fileno()))
            tar.addfile(_member(name, before.st_size, before.st_mode), file)
            _check_same(name, before, os.fstat(file.fileno()))
    except OSError as error:
        if error.errno in (None, errno.ENOENT):  # shorter than it was (so says tarfile), or gone
            raise _changed(name) from error
        raise


def _member(name: str, size: int, mode: int = 0) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o755 if mode & 0o111 else 0o644
    return member


def _check_same(name: str, before: os.stat_result, now: os.stat_result) -> None:
    if _seen(before) != _seen(now):
        raise _changed(name)


def _seen(stat: os.stat_result) -> _Seen:
    return stat.st_size, stat.st_mtime_ns, stat.st_ino


def _changed(name: str) -> InputError:
    return InputError(
        f"{name} changed while the build context was read",
        hint="Build again when nothing writes there.",
    )
