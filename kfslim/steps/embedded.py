"""The files that ``@dsl.component(embedded_artifact_path=…)`` packs into a step's source.

The SDK (2.15 and later) writes a gzipped tar in base64 and unpacks it onto ``sys.path`` at run time
(``kfp/dsl/component_factory.py``, ``_generate_shared_extraction_helper``).
"""

from __future__ import annotations

import base64
import io
import tarfile
import zlib
from dataclasses import dataclass, field
from pathlib import PurePosixPath

ARCHIVE_NAME = "__KFP_EMBEDDED_ARCHIVE_B64"
MAX_BYTES = 64 << 20  # unpacked, of all sources together: a pipeline of more is not plausible


@dataclass
class Archive:
    """Top-level modules and Python sources of an archive; ``problem`` where it hides some."""

    modules: set[str] = field(default_factory=set)
    sources: list[str] = field(default_factory=list)
    problem: str = ""


def read_archive(encoded: str) -> Archive:
    """Read an archive in memory, at most ``MAX_BYTES`` of it; never raises."""
    archive = Archive()
    try:
        data = base64.b64decode(encoded, validate=True)
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
            _read_members(tar, archive)
    except (ValueError, tarfile.TarError, OSError, EOFError, zlib.error):
        archive.problem = "cannot be read"
    return archive


def _read_members(tar: tarfile.TarFile, archive: Archive) -> None:
    budget = MAX_BYTES
    for member in tar:
        path = PurePosixPath(member.name)
        budget -= member.size
        if budget < 0:
            archive.problem = "is too large to read"
            return
        if path.suffix == ".ipynb":
            archive.problem = "holds a notebook"
        if member.isfile() and path.suffix == ".py":
            stream = tar.extractfile(member)
            archive.sources.append(stream.read().decode(errors="replace") if stream else "")
            archive.modules.add(path.parts[0] if len(path.parts) > 1 else path.stem)
