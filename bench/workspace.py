"""Where benchmarks leave what others go on with: one registry per way of building."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from parts.real_registry import Registry, start_registry

from bench.later import remove_later
from kfslim.model import load_document
from kfslim.plan.model import Plan

ROOT = Path(__file__).parents[1]
SEED_LIST = ROOT / "bench/seed-requirements.txt"
EXAMPLE = ROOT / "pipelines/retrain/pipeline.yaml"
BASE = "deb:bookworm"


class Workspace:
    """A folder that is kept between runs, so that ``pull`` need not build what ``seed`` built."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def registry(self, way: str, *, empty: bool = False) -> Iterator[Registry]:
        """Run the registry of one way of building; ``empty`` removes what it held.

        Each way has its own: no way may find, or mount, a layer that another one pushed.
        """
        home = self.folder / "registries" / way
        if empty:
            shutil.rmtree(home, ignore_errors=True)
        with start_registry(home) as registry:
            yield registry

    def has_registry(self, way: str) -> bool:
        """True when a registry of that way holds something."""
        return stored_bytes(self.folder / "registries" / way / "storage") > 0

    @contextmanager
    def cache(self) -> Iterator[Path]:
        """Yield an empty cache folder, on the same disk as all the rest."""
        folder = Path(tempfile.mkdtemp(dir=self.folder, prefix="cache-"))
        remove_later(folder)
        yield folder

    def file(self, name: str) -> Path:
        """Return the path of a file that is kept."""
        return self.folder / name

    def plan(self, name: str) -> Plan:
        """Read a plan that is kept."""
        return load_document(Plan, self.file(name))


def stored_bytes(storage: Path) -> int:
    """Return the bytes of all blobs in a registry's storage: their growth is what was pushed."""
    blobs = storage / "docker/registry/v2/blobs"
    return sum(path.stat().st_size for path in blobs.rglob("data"))
