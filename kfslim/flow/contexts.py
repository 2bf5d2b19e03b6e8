"""The build context of a folder: measured, and an ignore file for it."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import NamedTuple

from kfslim.context.copied import copied_paths
from kfslim.context.folder import IGNORE_FILE, open_folder
from kfslim.context.ignore import DockerIgnore
from kfslim.context.leaks import shown
from kfslim.context.lines import extended, wanted_patterns
from kfslim.context.measure import measure_folder
from kfslim.context.model import ContextMeasure, Dialect
from kfslim.files import disk_errors, write_atomic
from kfslim.progress import SILENT, Progress


class Proposal(NamedTuple):
    """An ignore file as it should be: where, what it says now, and what it should say."""

    path: Path
    before: str
    after: str

    @property
    def diff(self) -> str:
        """A unified diff; empty where nothing is missing."""
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True),
            self.after.splitlines(keepends=True),
            self.path.name,
            self.path.name,
        )
        return "".join(lines)

    def write(self) -> None:
        """Write the file, atomically.

        Raises:
            DiskError: it cannot be written.
        """
        write_atomic(self.path, self.after.encode("utf-8", "surrogateescape"))


def measure_context(
    folder: Path,
    dockerfile: Path | None = None,
    dialect: Dialect = "buildkit",
    progress: Progress = SILENT,
) -> ContextMeasure:
    """Measure what Docker would send of ``folder``, with its ignore file and without.

    Raises:
        InputError: there is no such folder or Dockerfile, or something in it cannot be read.
        BadConfig: an ignore file that is malformed.
    """
    context = open_folder(folder, dockerfile, dialect)
    copied = copied_paths(_text(context.dockerfile)) if context.dockerfile else ()
    with progress.task(f"Reading {folder}", unit="entries") as task:
        return measure_folder(context, shown(str(folder)), task, copied)


def propose_ignore(
    measured: ContextMeasure, folder: Path, dockerfile: Path | None = None
) -> Proposal:
    """Return the ignore file that keeps out what ``measured`` found; lines of the user stay."""
    context = open_folder(folder, dockerfile, measured.dialect)
    path = (context.ignore_file or context.root / IGNORE_FILE).resolve()  # it may be a link
    before = _text(path) if path.exists() else ""
    patterns = wanted_patterns(measured, DockerIgnore(before))
    return Proposal(path, before, extended(before, patterns))


def _text(path: Path) -> str:
    with disk_errors(f"reading {path}"):
        return path.read_bytes().decode("utf-8", "surrogateescape")
