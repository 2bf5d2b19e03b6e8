"""A whole base from Debian packages: a Python that KFP steps run on, with ``sh``.

:func:`resolve_base` asks the archive which packages; :func:`assemble_base` makes the image of just
those, the same bytes whatever the archive says by then.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kfslim.build.debian.archive import Archive
from kfslim.build.debian.database import record, write_status
from kfslim.build.debian.deb import Deb, open_deb
from kfslim.build.debian.effects import (
    BASE_EFFECTS,
    alternatives,
    loader_cache,
    python_links,
    usr_merge,
)
from kfslim.build.debian.layer import made_once
from kfslim.build.debian.resolver import close_over
from kfslim.build.debian.rootfs import Rootfs
from kfslim.build.debian.scripts import wishes_of
from kfslim.build.debian.stdlib import gets_bytecode
from kfslim.cache import Cache
from kfslim.errors import BadImage, BadPlan, NotFound, Unsupported
from kfslim.oci.compress import Codec
from kfslim.oci.extract import read_files
from kfslim.oci.image import EPOCH, Image, Platform
from kfslim.plan.model import DebianPackage
from kfslim.progress import SILENT, Progress

RECIPE = 2  # of an assembly; a new number when the same packages give other bytes
# What a KFP step needs beside its Python: a shell, mktemp and printf, TLS, time zones, C++.
WANTED = (
    "base-files", "ca-certificates", "coreutils", "dash", "libc-bin", "libgomp1", "libstdc++6",
    "netbase", "tzdata",
)  # fmt: skip
# Names like US/Pacific, since trixie; and until Python 3.12 a part of the standard library, which
# kfp before 2.2 and many older distributions import.
WANTED_IF_THERE = ("tzdata-legacy", "python3-distutils")
Fetch = Callable[[Sequence[DebianPackage]], Mapping[str, Path]]
Compile = Callable[[Image, Mapping[str, bytes]], Mapping[str, bytes]]
_PYTHON = re.compile(r"python(3\.\d+)\Z")


def resolve_base(archive: Archive, python: str | None = None) -> tuple[DebianPackage, ...]:
    """Return the packages of a base on the archive's suite, sorted by name.

    ``python`` is the minor version it must carry (``3.11``); None takes the suite's own.

    Raises:
        Unsupported: the suite carries another Python.
        NotFound, BadRequirement, FetchError, DigestMismatch, InputError: see :class:`Archive`.
    """
    packages = archive.remember(["base", WANTED, WANTED_IF_THERE], lambda: _closure(archive))
    carried = python_of(packages)
    if python and python != carried:
        raise Unsupported(
            f"deb:{archive.suite} carries Python {carried}, not {python}",
            hint="Choose the suite that carries it, or an image as the base.",
        )
    return packages


def _closure(archive: Archive) -> tuple[DebianPackage, ...]:
    default = archive.universe.named("python3")
    names = [r.name for c in default[:1] for group in c.depends for r in group]
    python = next((name for name in names if _PYTHON.match(name)), None)
    if python is None:
        raise NotFound(f"Debian {archive.suite} has no Python 3")
    extra = [name for name in WANTED_IF_THERE if archive.universe.named(name)]
    found = close_over([python, *WANTED, *extra], archive.universe)
    return tuple(candidate.as_package() for candidate in found)


def python_of(packages: Sequence[DebianPackage]) -> str:
    """Return the minor version of the Python among ``packages``.

    Raises:
        BadImage: there is none.
    """
    for package in packages:
        if match := _PYTHON.match(package.name):
            return match[1]
    raise BadImage("there is no Python among the base's Debian packages")


def assemble_base(
    packages: Sequence[DebianPackage],
    platform: Platform,
    *,
    fetch: Fetch,
    cache: Cache,
    codec: Codec,
    compile_sources: Compile | None = None,
    progress: Progress = SILENT,
) -> Image:
    """Return the base image of exactly these packages; its layers lie in the cache.

    ``fetch`` gives the ``.deb`` files by package name (``Archive.fetch``); it is not called when
    the layers are in the cache.  ``compile_sources`` gives the standard library's
    bytecode for a second layer: from the image so far and sources by path to pycs by path.

    Raises:
        Unsupported: a package's scripts do more than is known.
        BadImage: a package is malformed, or two ship the same file.
        NotFound, FetchError, DigestMismatch: a package cannot be had any more.
    """
    version = python_of(packages)
    said = f"kfslim: {len(packages)} Debian packages with Python {version}"
    identity = ["base", RECIPE, [p.identity for p in packages], str(platform)]
    with cache.scratch() as scratch:
        layer = made_once(
            cache, codec, identity, lambda: _base_tree(packages, platform, fetch, scratch, progress)
        )
        image = _configured(platform).with_layers([layer], [history(said)])
        if compile_sources is None:
            return image
        said = f"kfslim: bytecode of Python {version}'s standard library"
        identity = ["bytecode", RECIPE, image.digest]
        layer = made_once(
            cache, codec, identity, lambda: _bytecode_tree(image, version, compile_sources)
        )
    return image.with_layers([layer], [history(said)])


def _base_tree(
    packages: Sequence[DebianPackage],
    platform: Platform,
    fetch: Fetch,
    scratch: Path,
    progress: Progress,
) -> Rootfs:
    debs = open_all(packages, fetch, scratch, progress)
    rootfs = Rootfs()
    usr_merge(rootfs, platform.architecture)
    kept = {name: rootfs.unpack(deb) for name, deb in sorted(debs.items())}
    alternatives(rootfs, [a for deb in debs.values() for a in wishes_of(deb).alternatives])
    for effect in BASE_EFFECTS:
        effect(rootfs)
    python_links(rootfs, python_of(packages))
    loader_cache(rootfs)
    record(rootfs, debs, kept)
    write_status(rootfs, debs)
    return rootfs


def open_all(
    packages: Sequence[DebianPackage], fetch: Fetch, scratch: Path, progress: Progress
) -> dict[str, Deb]:
    """Fetch and open packages, by name; two at a time, for decompressing frees the interpreter.

    Raises:
        BadPlan: a package is not the one that its name promises.
    """
    files = fetch(packages)
    with (
        progress.task("unpacking Debian packages", len(packages), "packages") as task,
        ThreadPoolExecutor(2) as pool,
    ):

        def open_one(package: DebianPackage) -> Deb:
            deb = open_deb(files[package.name], scratch)
            task.advance(1)
            return deb

        debs = list(pool.map(open_one, packages))
    for package, deb in zip(packages, debs, strict=True):
        if (deb.name, deb.fields.get("Version")) != (package.name, package.version):
            raise BadPlan(f"the plan's {package.name} {package.version} is {deb.name} in truth")
    return {deb.name: deb for deb in debs}


def _bytecode_tree(image: Image, version: str, compile_sources: Compile) -> Rootfs:
    sources = read_files(image, lambda path: gets_bytecode(path, version))
    rootfs = Rootfs()
    for path, data in compile_sources(image, sources).items():
        rootfs.put(path, data)
    return rootfs


def history(created_by: str) -> dict[str, str]:
    """Return a layer's history entry."""
    return {"created": EPOCH, "created_by": created_by, "comment": "kfslim"}


def _configured(platform: Platform) -> Image:
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return Image.empty(platform).with_config(env={"PATH": path, "LANG": "C.UTF-8"}, Cmd=["python3"])
