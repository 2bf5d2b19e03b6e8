"""An installed tree → the files of each distribution, told by RECORD.

The tree is only read.  RECORD: packaging.python.org, "Recording installed projects".
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import posixpath
import re
import stat
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from packaging.utils import canonicalize_name

from kfslim.canonical import canonical_json, sha256_hex
from kfslim.errors import Unsupported
from kfslim.files import disk_errors
from kfslim.lock.model import Locked

# What installers add about how they installed: it would differ by machine and tool.
_INSTALLERS_OWN = frozenset(
    {"INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json"}
)
# Where uv puts modules below a prefix; Debian's own interpreter has a local/ before it.
_SITES = ("lib*/python*/*-packages", "local/lib*/python*/*-packages")
_HEADERS = re.compile(r"include/site/python3\.\d+/")


class InstalledFile(NamedTuple):
    """One file of a distribution.

    ``path`` is relative to the environment's root (``lib/python3.11/site-packages/x.py``,
    ``bin/f2py``), ``size`` in bytes, ``sha256`` in hex (empty for RECORD only).
    """

    path: str
    source: Path
    size: int
    sha256: str
    executable: bool


@dataclass(frozen=True)
class Installed:
    """A distribution and exactly the files that it puts into an environment, sorted by path."""

    locked: Locked
    files: tuple[InstalledFile, ...]


def site_packages(minor: str) -> str:
    """Where pure and binary modules of Python ``minor`` lie in an environment."""
    return f"lib/python{minor}/site-packages"


@dataclass(frozen=True)
class Found:
    """A distribution in a tree.

    ``disturbed``: a file is not the one that RECORD tells of.  Either another distribution
    overwrote it, or the wheel's RECORD is wrong.
    """

    files: tuple[InstalledFile, ...]
    disturbed: bool = False


def read_tree(tree: Path, minor: str, *, alone: bool = False) -> dict[str, Found]:
    """Return every distribution under ``tree`` by its normalised name.

    Paths are those of an environment of Python ``minor``, whatever Python the tree was made
    beside.  Hashes are RECORD's, or computed where it has none.  ``alone`` says that nothing but
    one distribution was ever written there, so where RECORD differs it is RECORD that errs.

    Raises:
        Unsupported: a RECORD names a file outside the environment.
        DiskError: the tree cannot be read.
    """
    with disk_errors("reading installed packages"):
        records = [
            record for place in _SITES for record in tree.glob(f"{place}/*.dist-info/RECORD")
        ]
        found = {_name(record): _read_record(record, minor, alone) for record in sorted(records)}
        return found if alone else _with_overwritten(found)


def _name(record: Path) -> str:
    stem = record.parent.name.removesuffix(".dist-info")
    return canonicalize_name(stem.rpartition("-")[0])


def _with_overwritten(found: dict[str, Found]) -> dict[str, Found]:
    """Mark the distributions that lost a file which two or more of them write."""
    claims: dict[str, list[tuple[str, InstalledFile]]] = defaultdict(list)
    for name, one in found.items():
        for file in one.files:
            claims[file.path].append((name, file))
    lost = set()
    for claimants in claims.values():
        # mlflow and mlflow-skinny share 1,300 equal files: nothing is lost where all agree.
        if len({file.sha256 for _, file in claimants}) > 1:
            there = hash_file(claimants[0][1].source)
            lost |= {name for name, file in claimants if file.sha256 != there}
    return {name: Found(f.files, f.disturbed or name in lost) for name, f in found.items()}


def _read_record(record: Path, minor: str, alone: bool) -> Found:
    site = record.parent.parent
    root = site.parent.parent.parent
    place = site.relative_to(root).as_posix()
    files, disturbed = [], False
    for row in _rows(record):
        relative, recorded, size = (*row, "", "")[:3]
        inside = posixpath.normpath(f"{place}/{relative}")
        if inside.startswith(("../", "/")) or relative.startswith("/"):
            raise Unsupported(f"{record.parent.name}: RECORD names {relative!r}, outside")
        status = None if _is_installers_own(inside) else _status(f"{root}/{inside}")
        if status is None:
            continue
        source, differs = Path(f"{root}/{inside}"), size not in ("", str(status.st_size))
        disturbed |= differs
        sha256 = _hex(recorded) if not (differs and alone) else ""
        if not is_paper(inside, "RECORD"):
            sha256 = sha256 or hash_file(source)
        executable = bool(status.st_mode & stat.S_IXUSR)
        path = _in_environment(inside, minor)
        files.append(InstalledFile(path, source, status.st_size, sha256, executable))
    return Found(tuple(sorted(files)), disturbed and not alone)


def _rows(record: Path) -> list[list[str]]:
    with record.open(encoding="utf-8", newline="") as stream:
        return [row for row in csv.reader(stream) if row]


def is_paper(path: str, name: str) -> bool:
    """Tell the file ``name`` of a distribution's own ``.dist-info``: not of one that it vendors.

    ``path`` is relative to the environment, or to the tree that it was installed in.
    """
    inside = path.partition("-packages/")[2]
    return inside.count("/") == 1 and inside.endswith(f".dist-info/{name}")


def _is_installers_own(inside: str) -> bool:
    parent, _, name = inside.rpartition("/")
    return name in _INSTALLERS_OWN and parent.endswith(".dist-info")


def _status(path: str) -> os.stat_result | None:
    """Return what is there; None where a RECORD names a file that its wheel never had."""
    try:
        return os.stat(path)  # noqa: PTH116  pathlib doubles the time for 25,000 files
    except FileNotFoundError:
        return None


def _in_environment(inside: str, minor: str) -> str:
    """Translate a path of the tree, made beside the host's Python, to one of the target's."""
    site, marker, rest = inside.partition("-packages/")
    if marker and site.startswith("lib"):
        return f"{site_packages(minor)}/{rest}"
    return _HEADERS.sub(f"include/site/python{minor}/", inside, count=1)


def _hex(recorded: str) -> str:
    """Translate RECORD's ``sha256=<urlsafe base64>`` to hex; empty for any other algorithm."""
    algorithm, _, value = recorded.partition("=")
    if algorithm != "sha256":
        return ""
    try:
        return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).hex()
    except ValueError:
        return ""


def hash_file(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for chunk in iter(lambda: stream.read(1 << 20), b""):
            digest.update(chunk)
    return digest.hexdigest()


def record_text(files: Iterable[InstalledFile]) -> bytes:
    """Return the RECORD that lists exactly ``files``, RECORD itself among them.

    Give it what is left of one distribution after pruning, plus bytecode if that should be listed.
    """
    files = sorted(files)
    record = next(file.path for file in files if is_paper(file.path, "RECORD"))
    site = record.rsplit("/", 2)[0] + "/"
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for file in files:
        inside = file.path.startswith(site)
        path = file.path[len(site) :] if inside else "../../../" + file.path
        writer.writerow((path, "", "") if file.path == record else (path, _hash(file), file.size))
    return text.getvalue().encode()


def _hash(file: InstalledFile) -> str:
    raw = base64.urlsafe_b64encode(bytes.fromhex(file.sha256))
    return "sha256=" + raw.rstrip(b"=").decode()


def tree_hash(files: Iterable[InstalledFile]) -> str:
    """SHA-256 (hex) over the sorted (path, sha256) of ``files``, without RECORD."""
    pairs = sorted([file.path, file.sha256] for file in files if file.sha256)
    return sha256_hex(canonical_json(pairs))
