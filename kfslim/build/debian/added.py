"""Debian packages added to a base, as a layer: what a step declares as OS packages.

Any base with dpkg's database will do, kfslim's own or not, and distroless ones, whose database is a
folder.  What is installed there is not added again; the layer holds the rest, and a new database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kfslim.build.debian.archive import Archive
from kfslim.build.debian.base import RECIPE, Fetch, open_all
from kfslim.build.debian.database import (
    STATUS,
    installed_in,
    is_database,
    record,
    write_status,
    write_status_d,
)
from kfslim.build.debian.effects import LAYER_EFFECTS, alternatives, loader_cache
from kfslim.build.debian.index import Candidate
from kfslim.build.debian.layer import made_once
from kfslim.build.debian.ldcache import CACHE
from kfslim.build.debian.rootfs import Beneath, Rootfs
from kfslim.build.debian.scripts import wishes_of
from kfslim.cache import Cache
from kfslim.errors import Unsupported
from kfslim.oci.compress import Codec
from kfslim.oci.image import Image, Layer
from kfslim.oci.scan import Kept, scan_image, visible
from kfslim.oci.tree import Tree
from kfslim.plan.model import DebianPackage
from kfslim.progress import SILENT, Progress

_NAMED = 8  # packages in a line of history
_OS_RELEASE = ("usr/lib/os-release", "etc/os-release")


@dataclass(frozen=True)
class Foundation:
    """What must be known of a base to add packages: read once, by :func:`read_foundation`.

    ``suite`` is its codename (``bookworm``), ``installed`` its packages by name.
    """

    digest: str
    suite: str
    installed: Mapping[str, Candidate]
    beneath: Beneath


def read_foundation(image: Image, progress: Progress = SILENT) -> Foundation:
    """Read a base's package database and paths; every layer is read once.

    Raises:
        Unsupported: it is no Debian, or has no package database.
        BadImage, DigestMismatch, StoreError: it cannot be read.
    """
    tree, kept = Tree(), dict[int, Kept]()
    for scan in scan_image(image, _is_wanted, progress):
        first = len(tree.sizes)
        tree.apply(scan.entries)
        kept.update({first + number: data for number, data in scan.kept.items()})
    files = visible(tree, kept)
    installed = installed_in(files)
    if not installed:
        raise Unsupported(
            "the base has no dpkg database, so Debian packages cannot be added to it",
            hint="Choose a Debian base, or leave os_packages empty.",
        )
    links = {path: node for path, node in tree.walk() if isinstance(node, str)}
    beneath = Beneath(frozenset(_all_paths(tree)), links, files)
    return Foundation(image.digest, _suite(files), installed, beneath)


def _is_wanted(path: str) -> bool:
    configuration = path.startswith("etc/ld.so.conf.d/") or path in (CACHE, *_OS_RELEASE)
    return configuration or is_database(path)


def _all_paths(tree: Tree) -> Iterable[str]:
    """Every path and every folder above one."""
    for path, _ in tree.walk():
        while path:
            yield path
            path = path.rpartition("/")[0]  # noqa: PLW2901


def _suite(files: Mapping[str, bytes]) -> str:
    text = next((files[path] for path in _OS_RELEASE if path in files), b"").decode()
    said = dict(line.partition("=")[::2] for line in text.splitlines())
    if said.get("ID", "").strip('"') != "debian" or not said.get("VERSION_CODENAME"):
        raise Unsupported(
            f"the base is {said.get('PRETTY_NAME', 'unnamed')}, not Debian: nothing can be added",
            hint="Choose a Debian base, or leave os_packages empty.",
        )
    return said["VERSION_CODENAME"].strip('"')


def resolve_added(
    archive: Archive, names: Iterable[str], foundation: Foundation
) -> tuple[DebianPackage, ...]:
    """Return the packages that ``names`` add to the base, sorted by name; perhaps none.

    Raises:
        Unsupported: the archive is of another suite than the base.
        NotFound, BadRequirement, FetchError, DigestMismatch, InputError: see :class:`Archive`.
    """
    if foundation.suite != archive.suite:
        raise Unsupported(f"packages of Debian {archive.suite} cannot go on {foundation.suite}")
    return archive.resolve(names, foundation.installed)


def added_layer(
    foundation: Foundation,
    packages: Sequence[DebianPackage],
    *,
    fetch: Fetch,
    cache: Cache,
    codec: Codec,
    progress: Progress = SILENT,
) -> tuple[Layer, str]:
    """Return the layer that adds ``packages`` to the base, and the line for its history.

    The bytes depend on the base's digest, the packages and the codec, and nothing else.

    Raises:
        Unsupported: a package's scripts do more than is known.
        BadImage: a package is malformed, or two ship the same file.
        NotFound, FetchError, DigestMismatch: a package cannot be had any more.
    """
    listed = [package.identity for package in packages]
    identity = ["added", RECIPE, foundation.digest, listed]
    with cache.scratch() as scratch:
        layer = made_once(
            cache,
            codec,
            identity,
            lambda: _added_tree(foundation, packages, fetch, scratch, progress),
        )
    some = ", ".join(package.name for package in packages[:_NAMED])
    more = f" and {len(packages) - _NAMED} more" if len(packages) > _NAMED else ""
    return layer, f"kfslim: Debian packages {some}{more}"


def _added_tree(
    foundation: Foundation,
    packages: Sequence[DebianPackage],
    fetch: Fetch,
    scratch: Path,
    progress: Progress,
) -> Rootfs:
    debs = open_all(packages, fetch, scratch, progress)
    wishes = [wishes_of(deb) for deb in debs.values()]
    rootfs = Rootfs(foundation.beneath)
    kept = {name: rootfs.unpack(deb) for name, deb in sorted(debs.items())}
    for wish in wishes:
        for folder in wish.folders:
            rootfs.folder(folder)
        for file in wish.files:
            if file not in rootfs:
                rootfs.put(file, b"")
    alternatives(rootfs, [choice for wish in wishes for choice in wish.alternatives])
    for effect in LAYER_EFFECTS:
        effect(rootfs)
    loader_cache(rootfs)
    if STATUS in foundation.beneath.files:
        record(rootfs, debs, kept)
        write_status(rootfs, debs, foundation.installed)
    else:
        write_status_d(rootfs, debs, kept)
    return rootfs
