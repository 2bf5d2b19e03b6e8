"""The folder where everything that can be made again is kept between runs.

::

    blobs/sha256/<hex>   layers and downloaded files, by digest
    index/<room>/<key>   small JSON facts (a layer's sizes, a trace), by key
    uv/                  uv's own cache
    roots/<key>/         interpreters extracted from bases, and layers as folders for trials

Every entry appears by atomic rename and is keyed by all that decides it, so processes may share the
folder without locks: the worst that a race costs is work done twice.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kfslim.canonical import canonical_json
from kfslim.files import disk_errors, write_atomic

_DAY = 86_400.0  # seconds


def default_cache_dir() -> Path:
    """``KFSLIM_CACHE_DIR``, else ``$XDG_CACHE_HOME/kfslim``, else ``~/.cache/kfslim``."""
    if named := os.environ.get("KFSLIM_CACHE_DIR"):
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "kfslim"


@dataclass(frozen=True)
class Cache:
    """The cache folder at ``root``, made absolute: programs we start have folders of their own."""

    root: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", self.root.absolute())

    @property
    def uv(self) -> Path:
        """Where uv keeps its own cache."""
        return self.root / "uv"

    def blob(self, sha256: str) -> Path:
        """Where the blob with this hash (hex, or ``sha256:<hex>``) lies, or would lie."""
        return self.root / "blobs" / "sha256" / sha256.removeprefix("sha256:")

    def root_of(self, key: str) -> Path:
        """Where what was extracted under ``key`` lies, or would lie."""
        return self.root / "roots" / key

    def get(self, room: str, key: str) -> Any | None:
        """Return the JSON fact under ``room``/``key``; None if it is absent or damaged."""
        try:
            return json.loads(self._fact(room, key).read_bytes())
        except (OSError, ValueError):
            return None

    def put(self, room: str, key: str, value: Any) -> None:
        """Keep a JSON fact."""
        write_atomic(self._fact(room, key), canonical_json(value))

    def _fact(self, room: str, key: str) -> Path:
        return self.root / "index" / room / f"{key}.json"

    @contextmanager
    def new_blob(self) -> Iterator[Path]:
        """Yield a temporary file for a blob whose digest is not known yet.

        Rename it with :meth:`keep`; what is not kept is removed.
        """
        with disk_errors("making the cache folder"):
            (self.root / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
        path = self.root / "blobs" / f"new-{os.getpid()}-{os.urandom(6).hex()}"
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def keep(self, temporary: Path, sha256: str) -> Path:
        """Give a finished temporary blob its final name and return it."""
        final = self.blob(sha256)
        with disk_errors("keeping a blob in the cache"):
            temporary.replace(final)
        return final

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Yield a folder on the cache's file system that is removed at the end."""
        self._sweep()
        path = self.root / "scratch" / f"{os.getpid()}-{os.urandom(6).hex()}"
        with disk_errors("making a scratch folder"):
            path.mkdir(parents=True)
        try:
            yield path
        finally:
            _remove(path)

    def _sweep(self) -> None:
        """Remove what processes that were killed a day ago or more have left half-made."""
        abandoned = time.time() - _DAY
        for path in (*self.root.glob("scratch/*"), *self.root.glob("blobs/new-*")):
            with suppress(OSError):  # another process sweeps, too
                if path.stat().st_mtime < abandoned:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()

    def clean(self) -> int:
        """Remove everything kfslim put here; return the bytes that were freed."""
        freed = 0
        for name in ("blobs", "index", "uv", "roots", "scratch", "debian"):
            folder = self.root / name
            if folder.is_dir():
                freed += sum(p.lstat().st_size for p in folder.rglob("*") if not p.is_dir())
                with disk_errors("cleaning the cache"):
                    shutil.rmtree(folder)
        return freed


def _remove(folder: Path) -> None:
    """Remove a folder, to its end also when Ctrl-C comes in the middle."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
    except KeyboardInterrupt:
        shutil.rmtree(folder, ignore_errors=True)
        raise
