"""A folder as a build context: where it lies, its Dockerfile, and the ignore file that counts."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from kfslim.context.ignore import DockerIgnore
from kfslim.context.model import Dialect
from kfslim.errors import InputError

IGNORE_FILE = ".dockerignore"


class Folder(NamedTuple):
    """A build context.

    ``dockerfile`` and ``ignore_file`` are None where there is none; ``inside`` is the Dockerfile's
    POSIX path in the context, empty where it lies elsewhere.  ``ignore`` are the rules that say
    what is sent.
    """

    root: Path
    dockerfile: Path | None
    inside: str
    ignore_file: Path | None
    ignore: DockerIgnore
    dialect: Dialect


def open_folder(folder: Path, dockerfile: Path | None, dialect: Dialect) -> Folder:
    """Find what decides about a context.

    ``dockerfile`` is a path of its own, as for ``docker build -f``; None: the one in the folder, if
    there is one.  BuildKit prefers ``<Dockerfile>.dockerignore``, which the classic builder does
    not know; the classic builder sends Dockerfile and ``.dockerignore`` even if they are ignored.

    Raises:
        InputError: there is no such folder or Dockerfile, or a file of them cannot be read.
        BadConfig: an ignore file that is malformed.
    """
    if not folder.is_dir():
        told = "is no folder" if folder.exists() else "does not exist"
        raise InputError(f"the build context {folder} {told}")
    root = folder.resolve()
    found = _dockerfile(root, dockerfile)
    inside = found.relative_to(root).as_posix() if found and found.is_relative_to(root) else ""
    path = _ignore_file(root, dockerfile or found, dialect)
    ignore = DockerIgnore(_read(path) if path else "")
    if dialect == "classic":
        for name in filter(None, (IGNORE_FILE, inside)):
            ignore = ignore.but(name) if ignore.ignores(name) else ignore
    return Folder(root, found, inside, path, ignore, dialect)


def read_ignore(folder: Path) -> DockerIgnore:
    """Read the ``.dockerignore`` of a folder; no rules where there is none.

    Raises:
        InputError: it cannot be read.
        BadConfig: it is malformed.
    """
    path = folder / IGNORE_FILE
    return DockerIgnore(_read(path)) if path.exists() else DockerIgnore()


def _dockerfile(root: Path, given: Path | None) -> Path | None:
    if given is None:
        names = ("Dockerfile", "dockerfile")
        return next((root / name for name in names if (root / name).is_file()), None)
    if not given.is_file():
        raise InputError(f"the Dockerfile {given} does not exist")
    return given.resolve()


def _ignore_file(root: Path, dockerfile: Path | None, dialect: Dialect) -> Path | None:
    if dialect == "buildkit" and dockerfile:
        own = dockerfile.with_name(f"{dockerfile.name}{IGNORE_FILE}")
        if own.exists():
            return own
    path = root / IGNORE_FILE
    return path if path.exists() else None


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="surrogateescape")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
