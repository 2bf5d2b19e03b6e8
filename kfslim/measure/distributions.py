"""The Python distributions of an image, and the files that are theirs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from kfslim.measure.contents import Contents
from kfslim.measure.ledger import Ledger
from kfslim.measure.metadata import (
    Metadata,
    Source,
    modules_of,
    parse_direct_url,
    parse_entry_points,
    parse_metadata,
    parse_record,
    parse_requires_txt,
)
from kfslim.measure.model import DistributionMeasure
from kfslim.oci.tree import Folder, Tree

_INFO = re.compile(r"(?P<site>.*?)/?(?P<info>[^/]+\.(?:dist|egg)-info)(?:/(?:METADATA|PKG-INFO))?$")
# Copies that no interpreter imports as distributions: vendored ones, and conda's package cache
_NOT_INSTALLED = re.compile(r"(^|/)(_vendor|pkgs/[^/]+)/")


@dataclass(slots=True)
class Found:
    """One distribution: where it lies, and its files where something lists them."""

    site: str  # real path of the folder, without leading slash
    info: str  # name of the dist-info or egg-info
    metadata: Metadata
    files: list[str] | None  # relative to ``site``; None: nothing lists them
    top_level: tuple[str, ...] = ()
    entry_points: tuple[str, ...] = ()
    source: Source = "index"
    layer: int = 0
    account: int = field(default=-1)

    @property
    def paths(self) -> Iterator[str]:
        """The listed files as paths in the image."""
        for file in self.files or ():
            yield file[1:] if file[0] == "/" else f"{self.site}/{file}"


def find_distributions(contents: Contents, extra_dirs: Iterable[str] = ()) -> list[Found]:
    """Return all distributions in site directories and in ``extra_dirs``, by folder and name.

    ``extra_dirs`` (PYTHONPATH) are real paths without leading slash.
    """
    places, found = set(extra_dirs), []
    for path in contents.texts:
        match = _INFO.fullmatch(path)
        if match and _is_site(match["site"], places):
            one = _read(contents, match["site"], match["info"], path)
            found += [one] if one.metadata.name else []
    return sorted(found, key=lambda f: (f.site, f.metadata.name, f.info))


def _is_site(folder: str, places: set[str]) -> bool:
    if folder in places:
        return True
    known = folder.endswith(("/site-packages", "/dist-packages"))
    return known and not _NOT_INSTALLED.search(folder)


def _read(contents: Contents, site: str, info: str, metadata_path: str) -> Found:
    folder = posixpath.join(site, info)

    def text(name: str) -> str:
        return contents.text(f"{folder}/{name}") or ""

    metadata = parse_metadata(contents.text(metadata_path) or "")
    if not metadata.requires and (requires := text("requires.txt")):
        metadata = metadata._replace(requires=parse_requires_txt(requires))
    number = contents.tree.file(metadata_path)
    return Found(
        site=site,
        info=info,
        metadata=metadata,
        files=_listed(text("RECORD"), text("installed-files.txt"), info),
        top_level=tuple(text("top_level.txt").split()),
        entry_points=parse_entry_points(text("entry_points.txt")),
        source=parse_direct_url(text("direct_url.json")),
        layer=0 if number is None else contents.tree.layers[number],
    )


def _listed(record: str, installed: str, info: str) -> list[str] | None:
    if record:
        return parse_record(record)
    if installed:  # pip wrote these relative to the egg-info folder
        lines = (line.strip() for line in installed.splitlines())
        return [posixpath.normpath(posixpath.join(info, line)) for line in lines if line]
    return None


def claim_distributions(found: list[Found], contents: Contents, ledger: Ledger) -> None:
    """Give every distribution its files: first those that list them, then the others' modules."""
    for one in found:
        one.account = ledger.owner()
        ledger.claim(one.account, one.paths)
    for one in found:
        info = posixpath.join(one.site, one.info)
        ledger.claim(one.account, [info])
        ledger.claim_folder(one.account, info)
        if one.files is None:
            _claim_modules(one, contents.tree, ledger)


def _claim_modules(one: Found, tree: Tree, ledger: Ledger) -> None:
    names = set(one.top_level or (one.metadata.name.replace("-", "_"),))
    folder = tree.folder(one.site)
    for entry, node in (folder or Folder()).items():
        name = entry.partition(".")[0]
        if name in names and entry != one.info:
            one.top_level = tuple(dict.fromkeys((*one.top_level, name)))
            path = posixpath.join(one.site, entry)
            if isinstance(node, Folder):
                ledger.claim_folder(one.account, path)
            else:
                ledger.claim(one.account, [path])


def measured(one: Found, contents: Contents, ledger: Ledger) -> DistributionMeasure:
    """Return what a distribution weighs and owns; ``direct`` is not decided yet."""
    modules = modules_of(one.files or ())
    linked = (name for path in path_files(one) for name in linked_modules(contents, path))
    return DistributionMeasure(
        name=one.metadata.name,
        version=one.metadata.version,
        disk_bytes=ledger.disk_bytes[one.account],
        files=ledger.files[one.account],
        layer=one.layer,
        site_dir=f"/{one.site}",
        requires=one.metadata.requires,
        imports=tuple(sorted({*(modules.imports or one.top_level), *linked})),
        portions=modules.portions,
        entry_points=one.entry_points,
        source=one.source,
    )


def path_files(one: Found) -> list[str]:
    """Return the ``.pth`` files of a distribution (an editable install has one)."""
    return [posixpath.join(one.site, f) for f in one.files or () if f.endswith(".pth")]


def path_lines(contents: Contents, pth: str) -> list[str]:
    """Return the folders that a ``.pth`` file adds to ``sys.path`` (see ``site``), real paths."""
    lines = (contents.text(pth) or "").splitlines()
    folders = [ln.strip() for ln in lines if ln.strip() and not ln.startswith(("#", "import "))]
    base = pth.rpartition("/")[0]
    real = (contents.tree.resolve(f if f[0] == "/" else f"{base}/{f}") for f in folders)
    return [path for path in real if path is not None]


def linked_modules(contents: Contents, pth: str) -> set[str]:
    """Return the import names in the folders that a ``.pth`` file adds."""
    return {
        n for folder in path_lines(contents, pth) for n, _ in importables(contents.tree, folder)
    }


def importables(tree: Tree, folder: str) -> Iterator[tuple[str, str]]:
    """Yield ``(import name, path)`` of the modules and packages directly in ``folder``.

    A folder counts when a module lies directly in it.
    """
    for entry, node in (tree.folder(folder) or Folder()).items():
        name = entry.partition(".")[0]
        if isinstance(node, Folder):
            is_module = entry.isidentifier() and any(is_code(child) for child in node)
        else:
            is_module = is_code(entry)
        if is_module and name.isidentifier() and name != "__pycache__":
            yield name, posixpath.join(folder, entry)


def is_code(name: str) -> bool:
    """Tell whether a file's name is that of a module."""
    return name.endswith((".py", ".so", ".pyc"))
