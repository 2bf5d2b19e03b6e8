"""A folder as Docker walks it: in the order of names, links not followed, nothing ignored."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from kfslim.context.ignore import Above, DockerIgnore
from kfslim.context.model import Dialect
from kfslim.errors import InputError


class Entry(NamedTuple):
    """Something that is sent: its POSIX path from the context's root, and what ``lstat`` says.

    ``target`` is where a symlink leads.  Bytes of a name that are no UTF-8 are surrogates.
    """

    path: str
    stat: os.stat_result
    target: str = ""

    @property
    def is_folder(self) -> bool:
        """A folder; its own entry, not what it holds."""
        return stat.S_ISDIR(self.stat.st_mode)

    @property
    def is_file(self) -> bool:
        """A regular file."""
        return stat.S_ISREG(self.stat.st_mode)


@dataclass(slots=True)
class _Folder:
    entry: Entry | None  # None: the root
    above: Above
    content: Iterator[os.DirEntry[str]]
    said: bool  # it was yielded; of an ignored one that is known only from what it holds


def walk(
    root: Path, ignore: DockerIgnore, dialect: Dialect, *, tolerant: bool = False
) -> Iterator[Entry]:
    """Yield what Docker would send of ``root``, folders before what they hold.

    A folder that is ignored is entered only for exceptions.  If it holds one, BuildKit sends the
    folder as well, the classic client does not.

    Raises:
        InputError: something that would be sent cannot be read (``tolerant``: it is passed over).
    """
    return _Walk(root, ignore, dialect, tolerant).entries()


class _Walk:
    def __init__(self, root: Path, ignore: DockerIgnore, dialect: Dialect, tolerant: bool) -> None:
        self._root, self._ignore, self._dialect = root, ignore, dialect
        self._tolerant = tolerant
        self._asks = os.geteuid() != 0  # root may read everything

    def entries(self) -> Iterator[Entry]:
        todo = [_Folder(None, (), self._list("", kept=True), said=True)]
        while todo:
            found = next(todo[-1].content, None)
            if found is None:
                todo.pop()
                continue
            above = todo[-1].entry
            path = f"{above.path}/{found.name}" if above else found.name
            ignored, hits = self._ignore.match(path, todo[-1].above)
            is_folder = found.is_dir(follow_symlinks=False)
            if ignored and not (is_folder and self._ignore.enters(path, self._dialect)):
                continue
            entry = self._look(found, path, kept=not ignored)
            if entry is None:
                continue
            content = self._list(path, kept=not ignored) if is_folder else None
            if not ignored:
                yield from self._unsaid(todo)
                yield entry
            if content:
                todo.append(_Folder(entry, hits, content, said=not ignored))

    def _unsaid(self, todo: list[_Folder]) -> Iterator[Entry]:
        for folder in todo if self._dialect == "buildkit" else ():
            if folder.entry and not folder.said:
                folder.said = True
                yield folder.entry

    def _list(self, path: str, *, kept: bool) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(self._root / path) as content:
                return iter(sorted(content, key=lambda found: found.name))
        except FileNotFoundError:
            return iter(())  # gone since its folder was listed
        except OSError as error:
            self._refuse(path, error, kept)
            return iter(())

    def _look(self, found: os.DirEntry[str], path: str, *, kept: bool) -> Entry | None:
        try:
            entry = Entry(path, found.stat(follow_symlinks=False))
            if found.is_symlink():
                return entry._replace(target=os.readlink(found.path))  # noqa: PTH115  (kept as it is)
            if self._asks and entry.is_file and not _readable(found.path):
                raise PermissionError(13, os.strerror(13))
        except FileNotFoundError:
            return None
        except OSError as error:
            self._refuse(path, error, kept)
            return None
        return entry

    def _refuse(self, path: str, error: OSError, kept: bool) -> None:
        if kept and not self._tolerant:
            raise InputError(
                f"{self._root / path} cannot be read, and Docker would not build: {error.strerror}",
                hint="List it in .dockerignore, or make it readable.",
            ) from error


def _readable(path: str) -> bool:
    return os.access(path, os.R_OK, effective_ids=True)
