"""The Python sources of a folder: modules and notebooks, none of them imported."""

from __future__ import annotations

import io
import os
import tokenize
from collections.abc import Iterator
from pathlib import Path

from kfslim.context.folder import read_ignore
from kfslim.context.ignore import DockerIgnore
from kfslim.errors import InputError
from kfslim.steps.notebook import cells_of
from kfslim.steps.sightings import SourceText

MAX_SOURCE_BYTES = 4 << 20  # of one module: more is data, not source
MAX_NOTEBOOK_BYTES = 64 << 20  # notebooks hold their output, pictures and all
MAX_FILES = 20_000
# Folders that hold no source of the project's own; hidden ones and environments are skipped, too.
_SKIPPED = {
    "__pycache__", "node_modules", "site-packages", "dist-packages", "venv", "env", "virtualenv",
    "__pypackages__", "conda-meta",
}  # fmt: skip
# At the top, these serve the project's developers and run in no step.
_DEVELOPERS = {"tests", "test", "docs", "doc", "setup.py", "noxfile.py", "conftest.py"}


def read_tree(root: Path) -> tuple[SourceText, ...]:
    """Read all ``.py`` and ``.ipynb`` below ``root``, sorted by path.

    ``.dockerignore`` is honoured.  Left out are hidden folders, environments, caches, links to
    folders, and at the top ``tests``, ``docs``, ``setup.py``, ``noxfile.py`` and ``conftest.py``.
    A file that cannot be read or is too large is there with its ``problem``.

    Raises:
        InputError: ``root`` is no readable folder, or holds more than ``MAX_FILES`` sources.
        BadConfig: ``.dockerignore`` is malformed.
    """
    found: list[SourceText] = []
    ignore = read_ignore(root)
    for count, (path, name) in enumerate(_files(root, ignore)):
        if count >= MAX_FILES:
            raise InputError(
                f"{root}: more than {MAX_FILES} Python sources",
                hint="Name the folder that holds the step's own, or write a .dockerignore.",
            )
        found += read_file(path, name)
    return tuple(found)


def read_file(path: Path, name: str) -> list[SourceText]:
    """Read one module or notebook, which ``name`` is said to be; never raises."""
    notebook = path.suffix == ".ipynb"
    try:
        with path.open("rb") as stream:
            most = MAX_NOTEBOOK_BYTES if notebook else MAX_SOURCE_BYTES
            data = stream.read(most + 1)
    except OSError as error:
        return [SourceText(name, "", problem=f"cannot be read: {error.strerror}")]
    if len(data) > most:
        return [SourceText(name, "", problem=f"is larger than {most >> 20} MiB")]
    try:
        text = data.decode("utf-8-sig" if notebook else _encoding(data))
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        return [SourceText(name, "", problem=f"cannot be decoded: {error}")]
    return cells_of(name, text) if notebook else [SourceText(name, text)]


def _encoding(data: bytes) -> str:
    return tokenize.detect_encoding(io.BytesIO(data).readline)[0]  # PEP 263, and the BOM


def _files(root: Path, ignore: DockerIgnore) -> Iterator[tuple[Path, str]]:
    def unreadable(error: OSError) -> None:
        if Path(error.filename) == root:
            raise InputError(f"{root}: {error.strerror}") from error

    for folder, folders, names in os.walk(root, onerror=unreadable):
        here = Path(folder)
        at_top = here == root
        folders[:] = sorted(name for name in folders if _is_own(here / name, at_top))
        for name in sorted(names):
            path = here / name
            wanted = name.endswith((".py", ".ipynb")) and not (at_top and name in _DEVELOPERS)
            shown = _shown(path.relative_to(root))
            if wanted and not ignore.ignores(shown) and path.is_file():  # no pipe, no socket
                yield path, shown


def _is_own(folder: Path, at_top: bool) -> bool:
    name = folder.name
    if name.startswith(".") or name in _SKIPPED or name.endswith((".egg-info", ".dist-info")):
        return False
    return not (at_top and name in _DEVELOPERS) and not (folder / "pyvenv.cfg").exists()


def _shown(path: Path) -> str:
    """Return the path as text that can be written: bytes that are no UTF-8 become U+FFFD."""
    return os.fsencode(path.as_posix()).decode("utf-8", "replace")
