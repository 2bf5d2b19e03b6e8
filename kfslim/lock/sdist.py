"""Source distributions: built in stage one if pure Python, and proven by what they install.

The build requirements are pinned in the lock, so that a later build gives the same files though
setuptools has moved on.
"""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path
from typing import Any

from kfslim.errors import BadRequirement, Unsupported
from kfslim.files import disk_errors
from kfslim.lock.install import Files, built_hash, install_group
from kfslim.lock.model import Locked
from kfslim.lock.target import Target
from kfslim.lock.toml import parse_toml
from kfslim.lock.tree import is_paper
from kfslim.lock.uv import Uv

ROOM = "sdists"  # of the cache
# What an sdist without a pyproject.toml is built with (PEP 517, "Source trees").
LEGACY = ("setuptools>=40.8.0",)
LARGEST_PYPROJECT = 1 << 20  # bytes


def cached(uv: Uv, locked: Locked, target: Target) -> Locked | None:
    """Return ``locked`` with what an earlier build of the same file found; None: not built yet."""
    facts = uv.cache.get(ROOM, _key(locked, target))
    if not isinstance(facts, dict):
        return None
    return locked.model_copy(
        update={
            "installed_sha256": facts["installed_sha256"],
            "build_requires": tuple(facts["build_requires"]),
        }
    )


def prove(uv: Uv, locked: Locked, file: Path, target: Target) -> Locked:
    """Build ``locked``, whose bytes are at ``file``, and return it with pins and installed hash.

    Raises:
        Unsupported: it needs a compiler, or builds something that is not pure Python.
    """
    pins = _pin(uv, locked, build_requirements(file))
    pinned = locked.model_copy(update={"build_requires": pins, "installed_sha256": ""})
    with uv.cache.scratch() as folder:
        files = install_group(uv, [pinned], target, folder / "built")[pinned]
        _check_pure(pinned, files)
        installed = built_hash(files, folder / "check")
    proven = pinned.model_copy(update={"installed_sha256": installed})
    facts = {"installed_sha256": installed, "build_requires": list(pins)}
    uv.cache.put(ROOM, _key(locked, target), facts)
    return proven


def _key(locked: Locked, target: Target) -> str:
    return f"{locked.sha256}-{target.minor}"


def build_requirements(file: Path) -> tuple[str, ...]:
    """Return ``build-system.requires`` of the sdist ``file`` (PEP 518).

    Raises:
        BadRequirement: the file is no sdist, or its pyproject.toml is broken.
    """
    try:
        text = _pyproject(file)
        system: dict[str, Any] = parse_toml(text).get("build-system", {}) if text else {}
        return tuple(str(line) for line in system.get("requires", LEGACY))
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, ValueError, TypeError) as error:
        raise BadRequirement(f"{file.name} is not a source distribution: {error}") from error


def _pyproject(file: Path) -> str | None:
    """Return the top-level pyproject.toml of an sdist, None where there is none."""
    with disk_errors(f"reading {file.name}"):
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                name = next((n for n in archive.namelist() if _is_top(n)), None)
                return archive.read(name)[:LARGEST_PYPROJECT].decode() if name else None
        with tarfile.open(file) as archive_:
            for member in archive_:
                if _is_top(member.name) and (stream := archive_.extractfile(member)):
                    return stream.read(LARGEST_PYPROJECT).decode()
    return None


def _is_top(name: str) -> bool:
    parts = name.removeprefix("./").split("/")
    return len(parts) == 2 and parts[1] == "pyproject.toml"


def _pin(uv: Uv, locked: Locked, requirements: tuple[str, ...]) -> tuple[str, ...]:
    """Resolve build requirements for the Python that runs the build, which is this one."""
    if not requirements:
        return ()
    with uv.cache.scratch() as folder, disk_errors("locking build requirements"):
        source = folder / "build.in"
        source.write_text("".join(f"{line}\n" for line in requirements), encoding="utf-8")
        output = uv.run(
            *("pip", "compile", str(source), "--python", uv.python),
            *("--no-header", "--no-annotate", "--quiet"),
            doing=f"locking what builds {locked.file}",
            indexes=[locked.index],
        )
    return tuple(line.partition(";")[0].strip() for line in output.splitlines() if line.strip())


def _check_pure(locked: Locked, files: Files) -> None:
    """Refuse a build that would not be the same, or not run, on another machine."""
    wheel = next(file.source for file in files if is_paper(file.path, "WHEEL"))
    tags = [
        line.partition(":")[2].strip()
        for line in wheel.read_text("utf-8").splitlines()
        if line.startswith("Tag:")
    ]
    if not tags or not all(tag.startswith("py") and tag.endswith("-none-any") for tag in tags):
        raise Unsupported(
            f"{locked.name} {locked.version} has no wheel for this Python and platform, and"
            f" {locked.file} builds to {', '.join(tags) or 'no tag'}, which is not pure Python",
            hint="Choose a version that has wheels, or put a wheel of your own on an index.",
        )
