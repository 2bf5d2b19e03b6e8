"""Locked files → their anatomies, from what they install; each is read once and then cached."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from email.parser import HeaderParser
from pathlib import Path

from packaging.utils import canonicalize_name
from pydantic import ValidationError

from kfslim.cache import Cache
from kfslim.files import disk_errors
from kfslim.lock.anatomy import Anatomy
from kfslim.lock.install import install
from kfslim.lock.model import Locked
from kfslim.lock.scripts import read_entry_points
from kfslim.lock.tree import Installed, InstalledFile, is_paper
from kfslim.lock.uv import Uv
from kfslim.oci.image import Platform
from kfslim.progress import SILENT, Progress

ROOM = "anatomies-1"  # of the cache; a new number when an Anatomy tells more, or otherwise
_MODULES = (".py", ".so", ".pyc")
_SITE = "/site-packages/"


def anatomies(
    uv: Uv,
    distributions: Sequence[Locked],
    *,
    python: str,
    platform: Platform,
    folder: Path,
    cache: Cache,
    progress: Progress = SILENT,
) -> dict[str, Anatomy]:
    """Return the anatomy of each of ``distributions`` by its normalised name.

    Those that ``cache`` does not hold are installed below ``folder``; the others cost nothing.
    Where ``Locked.modules`` restricts what is kept, the anatomy is still that of the whole file.

    Raises:
        KfslimError: as :func:`kfslim.lock.install.install`.
    """
    minor = ".".join(python.split(".")[:2])
    found = cached_anatomies(cache, distributions, python=python)
    missing = [
        one.model_copy(update={"modules": None})
        for one in distributions
        if canonicalize_name(one.name) not in found
    ]
    if missing:
        installed = install(
            uv, missing, python=python, platform=platform, folder=folder, progress=progress
        )
        with disk_errors("reading installed packages"):
            for one in installed:
                anatomy = dissect(one)
                cache.put(ROOM, _key(one.locked, minor), anatomy.model_dump(mode="json"))
                found[anatomy.name] = anatomy
    return found


def cached_anatomies(
    cache: Cache, distributions: Iterable[Locked], *, python: str
) -> dict[str, Anatomy]:
    """Return those anatomies that need no installing, by normalised name."""
    minor = ".".join(python.split(".")[:2])
    found = {}
    for locked in distributions:
        if (value := cache.get(ROOM, _key(locked, minor))) is not None:
            try:
                found[str(canonicalize_name(locked.name))] = Anatomy.model_validate(value)
            except ValidationError:
                continue  # damaged: read again
    return found


def unread(locked: Locked) -> Anatomy:
    """Return what the lock alone tells of a distribution: it takes part, but nothing is in it."""
    return Anatomy(
        name=str(canonicalize_name(locked.name)),
        version=locked.version,
        content_bytes=locked.content_bytes,
    )


def _key(locked: Locked, minor: str) -> str:
    return f"{locked.installed_sha256 or locked.sha256}-{minor}"


def dissect(installed: Installed) -> Anatomy:
    """Read the anatomy of one installed distribution.

    Formats: packaging.python.org, "Core metadata specifications", "Entry points specification".
    """
    files = installed.files
    metadata = HeaderParser().parsestr(_text(files, "METADATA"))
    points = read_entry_points(_text(files, "entry_points.txt"))
    locked = installed.locked
    return Anatomy(
        name=str(canonicalize_name(locked.name)),
        version=locked.version,
        modules=tuple(sorted(_modules(files))),
        requires=tuple(" ".join(line.split()) for line in metadata.get_all("Requires-Dist", ())),
        extras=tuple(metadata.get_all("Provides-Extra", ())),
        entry_points=tuple(
            sorted(
                f"{group}:{name}={value}"
                for group, named in points.items()
                for name, value in named.items()
            )
        ),
        scripts=tuple(f.path[4:] for f in files if f.path.startswith("bin/")),
        content_bytes=locked.content_bytes,
        disk_bytes=sum(file.size for file in files),
    )


def _text(files: Iterable[InstalledFile], name: str) -> str:
    """Return the text of a file of the ``.dist-info``; empty where there is none."""
    for file in files:
        if is_paper(file.path, name):
            return file.source.read_text("utf-8", errors="replace")
    return ""


def _modules(files: Sequence[InstalledFile]) -> set[str]:
    """Return the dotted names of all modules and packages, as seen from every import root."""
    inside = [(file.path.partition(_SITE)[2], file) for file in files if _SITE in file.path]
    paths = [path for path, _ in inside]
    found = {name for path in paths if (name := _module(path))}
    for path, file in inside:
        if path.endswith(".pth") and "/" not in path:
            for root in _pth_folders(file):
                below = (p.removeprefix(root) for p in paths if p.startswith(root))
                found |= {name for path in below if (name := _module(path))}
    return found


def _pth_folders(file: InstalledFile) -> Iterator[str]:
    """Yield the folders that a ``.pth`` file adds, as ``win32/``; its code is not looked at."""
    for line in file.source.read_text("utf-8", errors="replace").splitlines():
        folder = line.strip().replace("\\", "/").strip("/")
        if folder and not folder.startswith(("#", "import ", "import\t", ".", "/")):
            yield f"{folder}/"


def _module(path: str) -> str:
    """``a/b/__init__.py`` → ``a.b``, ``a/c.cpython-311-x86_64-linux-gnu.so`` → ``a.c``, else ""."""
    if not path.endswith(_MODULES) or "__pycache__/" in path:
        return ""
    *folders, name = path.split("/")
    stem = name.partition(".")[0]
    names = folders if stem == "__init__" and folders else [*folders, stem]
    return ".".join(names) if all(map(str.isidentifier, names)) else ""
