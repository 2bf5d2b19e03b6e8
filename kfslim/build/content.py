"""One distribution → what its layer holds of it: pruned, compiled, recorded, checked.

Every byte of a wheel's file is compared with its RECORD hash on the way (a start-up hook of some
interpreter may have written into the tree).  RECORD is written anew and lists exactly the files
that are in the image, bytecode included.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from kfslim.build.built import Removed
from kfslim.build.bytecode import pyc_path
from kfslim.build.recipe import Recipe
from kfslim.errors import DigestMismatch
from kfslim.files import disk_errors
from kfslim.lock.model import Locked
from kfslim.lock.tree import Installed, InstalledFile, is_paper, record_text, site_packages
from kfslim.measure.combine import describe_distribution
from kfslim.measure.model import DistributionMeasure
from kfslim.oci.digest import VerifyingReader
from kfslim.oci.tarwrite import TarWriter

_DESCRIBING = ("METADATA", "entry_points.txt", "top_level.txt")
UNTOUCHED = "untouched"  # the name that cuts have among the rules that removed something
_STREAMED = 1 << 20  # bytes; larger files pass through in pieces


class Piece(NamedTuple):
    """One file of a layer; ``data`` are its bytes where they were made or read before."""

    file: InstalledFile
    data: bytes | None = None


class Compiling(NamedTuple):
    """How modules are compiled: the function, and the tag in the names of pycs."""

    compile: Callable[[Sequence[tuple[str, bytes]]], list[bytes | None]]
    cache_tag: str


@dataclass(frozen=True)
class Content:
    """The files of one distribution, sorted by path, and what was left out.

    ``site`` is where its modules lie, relative to the environment, with a slash at the end.
    """

    locked: Locked
    site: str
    pieces: tuple[Piece, ...]
    removed: tuple[Removed, ...] = ()

    def measure(self, visible: Mapping[str, Piece], environment: str) -> DistributionMeasure:
        """Weigh what is ``visible`` of it: a path of two distributions counts for one only."""
        mine = [p for p in self.pieces if visible[p.file.path] is p]
        disk_bytes, files = sum(p.file.size for p in mine), len(mine)
        texts = self._texts()
        site_dir = f"{environment}/{self.site.rstrip('/')}"
        if "METADATA" not in texts:
            return DistributionMeasure(
                name=self.locked.name,
                version=self.locked.version,
                disk_bytes=disk_bytes,
                files=files,
                site_dir=site_dir,
            )
        return describe_distribution(
            [p.file.path.removeprefix(self.site) for p in mine],
            texts,
            disk_bytes=disk_bytes,
            files=files,
            site_dir=site_dir,
        )

    def _texts(self) -> dict[str, str]:
        """The files that describe the distribution, by name; vendored ones deeper inside do not."""
        found = {}
        for file, _ in self.pieces:
            folder, _, name = file.path.removeprefix(self.site).rpartition("/")
            if folder.endswith(".dist-info") and "/" not in folder and name in _DESCRIBING:
                found[name] = read_checked(file).decode("utf-8", "replace")
        return found


def prepare(installed: Installed, recipe: Recipe, compiling: Compiling | None) -> Content:
    """Decide what a layer holds of one distribution.

    ``Locked.modules`` keeps only the files it names, and RECORD; else the recipe's policy decides,
    and its cuts.  Of a pack, only the bytecode is kept, also that of sources which are cut.

    Raises:
        DigestMismatch: a source is not what RECORD promises.
        ToolError: the interpreter crashed.
    """
    site, tree = site_packages(recipe.minor) + "/", site_tree(installed, recipe.minor)
    kept, removed = _choose(installed, tree, recipe)
    pieces = [Piece(f, _source(tree, f.path, site)) for f in kept]
    pycs = list(compiled(pieces, recipe.environment, compiling)) if compiling else []
    if recipe.pack:
        return Content(installed.locked, site, tuple(sorted(pycs, key=lambda p: p.file.path)))
    return Content(installed.locked, site, _with_record([*pieces, *pycs]), removed)


def site_tree(installed: Installed, minor: str) -> SiteTree:
    """Return a distribution's files below the site-packages of Python ``minor``."""
    site = site_packages(minor) + "/"
    inside = {f.path.removeprefix(site): f for f in installed.files if f.path.startswith(site)}
    return SiteTree(inside)


class SiteTree:
    """Files below site-packages by their paths there, as rules see them; sources are read once."""

    def __init__(self, files: Mapping[str, InstalledFile]) -> None:
        self.files = files
        self._sources: dict[str, bytes] = {}
        self.paths: Sequence[str] = sorted(files)

    def read(self, path: str) -> bytes:
        """Return the bytes of one file."""
        if path not in self._sources:
            data = read_checked(self.files[path])
            if not path.endswith(".py"):
                return data
            self._sources[path] = data
        return self._sources[path]


def _choose(
    installed: Installed, tree: SiteTree, recipe: Recipe
) -> tuple[list[InstalledFile], tuple[Removed, ...]]:
    """Return the files that stay, and what the rules and cuts took."""
    if (modules := installed.locked.modules) is not None:
        inside = tree.files.items()
        return [f for p, f in inside if p in modules or is_paper(f.path, "RECORD")], ()
    gone = left_out(installed, tree, recipe)
    kept = [file for file in installed.files if file.path not in gone]
    return kept, _removed(installed, gone)


def left_out(installed: Installed, tree: SiteTree, recipe: Recipe) -> dict[str, str]:
    """Return what a layer leaves out: path relative to the environment → the rule that says so.

    ``tree`` is :func:`site_tree` of ``installed``.  Of the KFP executor nothing more goes: it was
    installed as no more than ``Locked.modules``.
    """
    if installed.locked.modules is not None:
        return {}
    gone = recipe.policy.removed(installed.locked.name, tree)
    for path in covered(recipe.cut(installed.locked.name), tree.paths):
        gone.setdefault(path, UNTOUCHED)
    return {tree.files[path].path: rule for path, rule in gone.items()}


def covered(cut: Sequence[str], paths: Iterable[str]) -> set[str]:
    """Return those of ``paths`` that a cut names, or whose folder it names."""
    files, folders = set(cut), tuple(path for path in cut if path.endswith("/"))
    return {path for path in paths if path in files or (folders and path.startswith(folders))}


def _removed(installed: Installed, gone: Mapping[str, str]) -> tuple[Removed, ...]:
    sizes, files = Counter[str](), Counter[str]()
    for file in installed.files:
        if rule := gone.get(file.path):
            sizes[rule] += file.size
            files[rule] += 1
    name = installed.locked.name
    return tuple(
        Removed(distribution=name, rule=rule, disk_bytes=sizes[rule], files=files[rule])
        for rule in sorted(files)
    )


def _source(tree: SiteTree, path: str, site: str) -> bytes | None:
    if path.endswith(".py") and path.startswith(site):
        return tree.read(path.removeprefix(site))
    return None


def compiled(pieces: Sequence[Piece], environment: str, compiling: Compiling) -> Iterator[Piece]:
    """Yield the pycs of all sources that were read; the compiler sees them sorted by path."""
    sources = sorted(
        (p.file.path, p.data) for p in pieces if p.data is not None and p.file.path.endswith(".py")
    )
    pycs = compiling.compile([(f"{environment}/{path}", data) for path, data in sources])
    for (path, _), pyc in zip(sources, pycs, strict=True):
        if pyc is not None:
            yield made(pyc_path(path, compiling.cache_tag), pyc)


def made(path: str, data: bytes, executable: bool = False) -> Piece:
    """Return a file that exists in memory only; ``path`` is relative to the environment."""
    sha256 = hashlib.sha256(data).hexdigest()
    return Piece(InstalledFile(path, Path(), len(data), sha256, executable), data)


def _with_record(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """Sort the pieces, and let RECORD list exactly them."""
    pieces = sorted(pieces, key=lambda piece: piece.file.path)
    if not any(is_paper(piece.file.path, "RECORD") for piece in pieces):
        return tuple(pieces)
    text = record_text(piece.file for piece in pieces)
    return tuple(made(p.file.path, text) if is_paper(p.file.path, "RECORD") else p for p in pieces)


def write_pieces(tar: TarWriter, folder: str, pieces: Mapping[str, Piece]) -> None:
    """Write files below ``folder`` (absolute in the image), sorted by the parts of their paths.

    Raises:
        DigestMismatch: a file is not what RECORD promises.
    """
    inside = folder.strip("/")
    for path in sorted(pieces, key=lambda path: path.split("/")):
        file, data = pieces[path]
        mode = 0o755 if file.executable else 0o644
        if data is None and file.size <= _STREAMED:
            data = read_checked(file)
        if data is not None:
            tar.add_file(f"{inside}/{path}", data, len(data), mode)
        else:
            with _Checked(file) as stream:
                tar.add_file(f"{inside}/{path}", cast(BinaryIO, stream), file.size, mode)


def read_checked(file: InstalledFile) -> bytes:
    """Return a file's bytes.

    Raises:
        DigestMismatch: they are not what RECORD promises.
    """
    with disk_errors("reading an installed file"):
        data = file.source.read_bytes()
    if file.sha256 and hashlib.sha256(data).hexdigest() != file.sha256:
        raise _mismatch(file)
    return data


class _Checked(VerifyingReader):
    """A file that proves itself when it is read to its end."""

    def __init__(self, file: InstalledFile) -> None:
        with disk_errors("reading an installed file"):
            stream = cast(BinaryIO, file.source.open("rb", buffering=0))
        super().__init__(stream, f"sha256:{file.sha256}", file.size)
        self._file = file

    def _fail(self, what: str) -> Any:
        raise _mismatch(self._file)


def _mismatch(file: InstalledFile) -> DigestMismatch:
    return DigestMismatch(
        f"{file.path} is not the file that its distribution's RECORD promises",
        hint="Something changed the installed tree: run again, or run `kfslim cache clean` first.",
    )
