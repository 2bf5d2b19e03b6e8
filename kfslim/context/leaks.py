"""Secrets that a build would send to the builder, and that ``COPY . .`` puts into a layer."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from kfslim.context.folder import Folder, open_folder
from kfslim.context.kinds import ENVIRONMENT, HISTORY, sort_folder
from kfslim.context.model import Dialect, Leak
from kfslim.context.secrets import PROBE, find_secret
from kfslim.context.walk import Entry, walk
from kfslim.errors import GateError

_NAMED = 3  # in one sentence


def leaks(
    folder: Path, dockerfile: Path | None = None, dialect: Dialect = "buildkit"
) -> tuple[Leak, ...]:
    """Return the secrets in a build context, in the order of their paths.

    Virtual environments and version control are not searched (but for ``.git/config``): what lies
    there is of others, or a finding as a whole.

    Raises:
        InputError: there is no such folder or Dockerfile, or something in it cannot be read.
        BadConfig: an ignore file that is malformed.
    """
    return leaks_in(open_folder(folder, dockerfile, dialect))


def leaks_in(context: Folder) -> tuple[Leak, ...]:
    """Return the secrets of an opened context."""
    guard = Guard(context.root)
    found = (guard.look(entry) for entry in walk(context.root, context.ignore, context.dialect))
    return tuple(leak for leak in found if leak)


def check_leaks(
    folder: Path, dockerfile: Path | None = None, dialect: Dialect = "buildkit"
) -> None:
    """Stop a build whose context holds a secret.

    Raises:
        GateError: it does.
    """
    found = leaks(folder, dockerfile, dialect)
    if found:
        raise GateError(
            f"the build context holds {told(found)}",
            hint=f"kfslim context {folder} --write keeps them out.",
        )


def told(found: tuple[Leak, ...]) -> str:
    """Return ``2 secrets: .env (KS701), key.pem (KS702)``."""
    named = [f"{leak.path} ({leak.code})" for leak in found[:_NAMED]]
    more = len(found) - _NAMED
    count = f"{len(found)} secrets" if len(found) > 1 else "a secret"
    return f"{count}: {', '.join(named)}" + (f" and {more} more" if more > 0 else "")


class Guard:
    """Looks at one entry after the other, folders before what they hold."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._passed = ""  # a folder that is not searched, with its slash

    def look(self, entry: Entry) -> Leak | None:
        """Return the secret that a file holds."""
        if entry.is_folder:
            self._enter(entry.path)
            return None
        skipped = self._passed and entry.path.startswith(self._passed)
        if not entry.is_file or (skipped and not entry.path.endswith(".git/config")):
            return None
        found = find_secret(entry.path, _reader(self._root / entry.path))
        if not found:
            return None
        secret, pattern = found
        size = entry.stat.st_size
        return Leak(
            code=secret.code,
            kind=secret.kind,
            path=shown(entry.path),
            file_bytes=size,
            pattern=pattern,
            why=secret.why,
        )

    def _enter(self, path: str) -> None:
        if self._passed and path.startswith(self._passed):
            return
        sort = sort_folder(self._root, path)
        self._passed = f"{path}/" if sort and sort.kind in (ENVIRONMENT, HISTORY) else ""


def shown(path: str) -> str:
    """Return the path as text that can be written: bytes that are no UTF-8 become U+FFFD."""
    return os.fsencode(path).decode("utf-8", "replace")


def _reader(path: Path) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            with path.open("rb") as stream:
                return stream.read(PROBE)
        except OSError:  # gone since it was listed; what cannot be read was refused before
            return b""

    return read
