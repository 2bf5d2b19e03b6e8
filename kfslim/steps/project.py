"""The project's own folders: what of them may go into an image.

A folder that pyproject.toml makes installable (``[build-system]``) is a *package*, any other one is
*sources*.  What its ``.dockerignore`` names stays out, and so do secrets, version control and
leftovers, whatever that file says.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

from kfslim.canonical import value_digest
from kfslim.context.folder import read_ignore
from kfslim.context.secrets import PROBE, find_secret
from kfslim.errors import BadConfig
from kfslim.files import disk_errors
from kfslim.steps.tomlfile import read_toml

CHUNK = 1 << 20
_NEVER_FOLDERS = {
    ".git", ".hg", ".svn", ".kube", ".ssh", ".aws", ".azure", ".gnupg", ".docker", ".venv",
    "__pycache__", "node_modules", ".tox", ".nox", ".mypy_cache", ".pytest_cache", ".ruff_cache",
    ".ipynb_checkpoints",
}  # fmt: skip
_NEVER_FILES = (
    ".env*", "*.env", ".netrc", "_netrc", ".pypirc", ".git", ".gitconfig",
    ".git-credentials", ".dockerconfigjson", ".dockercfg", "kubeconfig", "*.kubeconfig",
    "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "*.p12", "*.pfx", "*.jks", "*.keystore",
    "*.kdbx", "*.pyc", "*.pyo", ".DS_Store", ".dockerignore",
)  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class ProjectFile:
    """One file: its path in the project (POSIX), where it lies, its mode bit and its bytes."""

    path: str
    source: Path
    executable: bool
    size: int


@dataclass(frozen=True)
class Project:
    """A project folder as it goes into an image; ``tree_sha256`` is the hash (hex) of all of it."""

    folder: Path
    content: Literal["package", "sources"]
    files: tuple[ProjectFile, ...]
    tree_sha256: str


def read_project(folder: Path, context: Path | None = None) -> Project:
    """Walk a project folder.

    ``context`` is the folder that Docker would be given (the one that the config lies in): where it
    holds ``folder``, its ``.dockerignore`` counts as well.

    Raises:
        BadConfig: it is no folder, or a symlink in it leads out of it.
        DiskError: something in it cannot be read.
    """
    if not folder.is_dir():
        raise BadConfig(f"the project folder {folder} does not exist")
    files = tuple(sorted(_walk(folder.resolve(), (context or folder).resolve())))
    tree = [[f.path, f.executable, _hash(f.source)] for f in files]
    return Project(folder, _content(folder), files, value_digest(tree).removeprefix("sha256:"))


def project_modules(folder: Path) -> tuple[str, ...]:
    """Return the top-level modules that a project folder offers, sorted.

    They are its ``*.py`` files and the folders with Python files in them, also under ``src/``, and
    the folder itself where it holds an ``__init__.py``.
    """
    if (folder / "__init__.py").is_file():
        return (folder.resolve().name,)
    found: set[str] = set()
    for root in (folder, folder / "src"):
        for path in root.iterdir() if root.is_dir() else ():
            if path.suffix == ".py" and path.stem != "setup":
                found.add(path.stem)
            elif path.is_dir() and any(path.glob("*.py")):
                found.add(path.name)
    return tuple(sorted(found))


def _content(folder: Path) -> Literal["package", "sources"]:
    path = folder / "pyproject.toml"
    if not path.is_file():
        return "sources"
    return "package" if "build-system" in read_toml(path) else "sources"


def _walk(root: Path, context: Path) -> Iterator[ProjectFile]:
    with disk_errors(f"reading the project folder {root}"):
        ignored = _Ignored(root, context)
        for folder, subfolders, names in os.walk(root, onerror=_raise):
            here = Path(folder)
            subfolders[:] = [name for name in subfolders if _enter(here / name, root, ignored)]
            for path in (here / name for name in names):
                if not (ignored(path) or any(map(_is_secret, {path, path.resolve()}))):
                    yield _file(path, root)


class _Ignored:
    """What the ``.dockerignore`` of a project folder, and of the context around it, leave out."""

    def __init__(self, root: Path, context: Path) -> None:
        folders = {root, context} if root.is_relative_to(context) else {root}
        self._by_folder = {folder: read_ignore(folder) for folder in folders}

    def __call__(self, path: Path) -> bool:
        return any(
            patterns.ignores(path.relative_to(folder).as_posix())
            for folder, patterns in self._by_folder.items()
        )


def _raise(error: OSError) -> None:
    raise error


def _enter(folder: Path, root: Path, ignored: _Ignored) -> bool:
    """Say whether to walk into a folder; one that is ignored may still hold exceptions."""
    if folder.name in _NEVER_FOLDERS or (folder / "pyvenv.cfg").exists():
        return False
    if folder.is_symlink():
        if ignored(folder):
            return False
        _check_inside(folder, root)
        raise BadConfig(
            f"{folder} is a link to a folder, which cannot go into an image",
            hint="List it in .dockerignore, or replace it by the folder.",
        )
    return True


def _file(path: Path, root: Path) -> ProjectFile:
    if path.is_symlink():
        _check_inside(path, root)
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise BadConfig(f"{path} is no regular file", hint="List it in .dockerignore.")
    relative = path.relative_to(root).as_posix()
    return ProjectFile(relative, path.resolve(), bool(found.st_mode & 0o100), found.st_size)


def _check_inside(path: Path, root: Path) -> None:
    if not path.resolve().is_relative_to(root):
        raise BadConfig(
            f"{path} is a link out of the project folder", hint="List it in .dockerignore."
        )


def _is_secret(path: Path) -> bool:
    if any(fnmatch(path.name, pattern) for pattern in _NEVER_FILES):
        return True
    found = find_secret(path.as_posix(), lambda: _head(path))
    return found is not None and not found.secret.needed


def _head(path: Path) -> bytes:
    if not path.is_file():
        return b""
    with path.open("rb") as stream:
        return stream.read(PROBE)


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with disk_errors(f"reading {path}"), path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
