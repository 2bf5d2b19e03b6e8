"""The KFP executor: the few files of a kfp version that a running lightweight step imports.

They are found by running that version, on a step that uses what the executor offers, in an empty
isolated interpreter of this machine: which modules it imports does not depend on the Python.  Then
a copy of only those must give the same outputs.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from kfslim.canonical import value_digest
from kfslim.errors import ToolError, Unsupported
from kfslim.files import disk_errors
from kfslim.lock.install import install
from kfslim.lock.model import Locked
from kfslim.lock.resolve import resolve
from kfslim.lock.target import LINUX_AMD64, Target
from kfslim.lock.tree import Installed, site_packages
from kfslim.lock.uv import Uv
from kfslim.oci.image import Platform
from kfslim.progress import SILENT, Progress

ROOM = "executors"  # of the cache
FORMAT = 1  # a new number when the sample step uses more of the executor
TIMEOUT = 120.0  # seconds that the sample step may take
SAMPLE = Path(__file__).with_name("sample_step.py")


def executor(
    uv: Uv,
    kfp_version: str,
    *,
    python: str,
    platform: Platform = LINUX_AMD64,
    indexes: Sequence[str] = (),
    existing: Locked | None = None,
    progress: Progress = SILENT,
) -> Locked:
    """Return kfp ``kfp_version`` with ``modules`` set to what its executor needs.

    METADATA and licence files are among them, so the version stays visible.  ``existing`` is
    returned as it is when it is the same version.  The answer is kept in the cache: a released
    version never changes.

    Raises:
        BadRequirement: there is no such version.
        Unsupported: its executor does not run without kfp's dependencies (SDK 2.0): such a
            step needs all of kfp.
        FetchError, AuthError, DigestMismatch, DiskError: it cannot be had.
    """
    if existing and existing.modules and existing.version == kfp_version:
        return existing
    minor = Target(python, platform).minor
    key = _key(uv, kfp_version, minor, indexes)
    if known := _cached(uv, key):
        return known
    what = f"locking the executor of kfp {kfp_version}"
    lock = resolve(
        uv,
        [f"kfp=={kfp_version}"],
        python=python,
        platform=platform,
        indexes=indexes,
        dependencies=False,
        what=what,
        progress=progress,
    )
    found = _trace(uv, lock.distributions[0], python, platform)
    uv.cache.put(ROOM, key, found.model_dump(mode="json"))
    return found


def _key(uv: Uv, version: str, minor: str, indexes: Sequence[str]) -> str:
    named = uv.named(indexes)
    return value_digest([FORMAT, version, minor, named]).removeprefix("sha256:")


def _cached(uv: Uv, key: str) -> Locked | None:
    try:
        return Locked.model_validate(uv.cache.get(ROOM, key))
    except ValidationError:
        return None


def _trace(uv: Uv, locked: Locked, python: str, platform: Platform) -> Locked:
    """Find the modules in a full copy, and prove that they are enough."""
    with uv.cache.scratch() as folder, disk_errors("tracing the KFP executor"):
        (full,) = install(uv, [locked], python=python, platform=platform, folder=folder / "tree")
        place = site_packages(Target(python, platform).minor) + "/"
        everything = {
            file.path.removeprefix(place): file.source
            for file in full.files
            if file.path.startswith(place)
        }
        traced = _run(uv, _copy(everything, everything, folder / "full"), folder / "run", locked)
        modules = sorted({*traced["modules"], *_papers(full, place)})
        slim = _run(uv, _copy(everything, modules, folder / "slim"), folder / "again", locked)
    if _without_paths(slim, "again") != _without_paths(traced, "run"):
        raise ToolError(f"the executor of {locked.file} gives other outputs from its modules alone")
    return locked.model_copy(update={"modules": tuple(modules)})


def _papers(full: Installed, place: str) -> list[str]:
    """Return METADATA and licences, relative to site-packages."""
    inside = [file.path.removeprefix(place) for file in full.files]
    papers = [path for path in inside if path.partition("/")[0].endswith(".dist-info")]
    return [
        path
        for path in papers
        if path.endswith("/METADATA") or path.rpartition("/")[2].upper().startswith("LICEN")
    ]


def _copy(everything: dict[str, Path], wanted: Sequence[str] | dict[str, Path], to: Path) -> Path:
    for path in wanted:
        target = to / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(everything[path], target)
    return to


def _run(uv: Uv, site: Path, work: Path, locked: Locked) -> dict[str, Any]:
    """Run the sample step with nothing but ``site`` on the path; return what it printed."""
    work.mkdir()
    try:
        done = subprocess.run(
            [uv.python, "-I", "-S", "-B", str(SAMPLE), str(site), str(work)],
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(f"the executor of {locked.file} cannot be traced: {error}") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise Unsupported(
            f"the executor of {locked.file} does not run without kfp's dependencies: {lines[-1]}"
        )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _without_paths(result: dict[str, Any], run: str) -> str:
    """Return the outputs as text, with the run's own folder cut from URIs."""
    return json.dumps(result["outputs"], sort_keys=True).replace(f"/{run}/", "/")
