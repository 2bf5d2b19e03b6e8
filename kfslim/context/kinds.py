"""What a build context often holds and no image needs."""

from __future__ import annotations

import os
import posixpath
from pathlib import Path
from typing import NamedTuple

from kfslim.context.ignore import escaped
from kfslim.context.walk import Entry

LARGE = 1_000_000  # bytes from which data is told


class Kind(NamedTuple):
    """One kind of waste."""

    code: str
    name: str


class Sort(NamedTuple):
    """What something is, and the ``.dockerignore`` line that keeps it and its like out.

    ``chosen`` is True of what somebody may have meant to copy: data, models, archives.
    """

    kind: Kind
    pattern: str
    chosen: bool = False


HISTORY = Kind("KS711", "version control")
ENVIRONMENT = Kind("KS712", "virtual environment")
CACHE = Kind("KS713", "cache")
BYTECODE = Kind("KS714", "bytecode")
DATA = Kind("KS715", "data")
MODEL = Kind("KS716", "model")
NOTEBOOK = Kind("KS717", "notebook with outputs")
ARCHIVE = Kind("KS718", "archive")
RUNS = Kind("KS719", "experiment runs and logs")

_BY_FOLDER = {
    **dict.fromkeys((".git", ".hg", ".svn"), HISTORY),
    ".venv": ENVIRONMENT,
    **dict.fromkeys(
        (".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox", ".nox", ".cache", ".hypothesis",
         ".ipynb_checkpoints", "htmlcov", ".eggs", ".terraform", "node_modules"), CACHE),
    "__pycache__": BYTECODE,
    **dict.fromkeys(("mlruns", "wandb", "lightning_logs", "catboost_info"), RUNS),
}  # fmt: skip
# A file or folder in a folder that says what the folder is; CACHEDIR.TAG: bford.info/cachedir.
_MARKERS = {
    "pyvenv.cfg": ENVIRONMENT,
    "conda-meta": ENVIRONMENT,
    "CACHEDIR.TAG": CACHE,
    "oci-layout": ARCHIVE,
}
_BY_NAME = {".DS_Store": CACHE, ".coverage": CACHE}
_BY_SUFFIX = {
    ".pyc": Sort(BYTECODE, "**/*.py[co]"),
    ".pyo": Sort(BYTECODE, "**/*.py[co]"),
    ".log": Sort(RUNS, "**/*.log"),
}
_LARGE = {
    **dict.fromkeys(
        (".parquet", ".csv", ".tsv", ".feather", ".arrow", ".avro", ".orc", ".h5", ".hdf5", ".npy",
         ".npz", ".jsonl", ".ndjson", ".xlsx", ".sqlite", ".sqlite3", ".db", ".duckdb"), DATA),
    **dict.fromkeys(
        (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt", ".onnx", ".safetensors", ".pb",
         ".keras", ".tflite", ".gguf", ".model", ".bin", ".cbm"), MODEL),
    **dict.fromkeys((".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".zip", ".7z"), ARCHIVE),
}  # fmt: skip
_OUTPUT = b'"output_type"'


class Wholes:
    """Follows a walk, folders before what they hold: which folders are waste as a whole."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._sort: Sort | None = None
        self.within = ""  # the last such folder, with its slash

    def sort(self, entry: Entry) -> Sort | None:
        """Say what the folder is that an entry lies in, or is; None where it is no waste."""
        if self.within and entry.path.startswith(self.within):
            return self._sort
        self._sort = self._folder(entry.path) if entry.is_folder else None
        self.within = f"{entry.path}/" if self._sort else ""
        return self._sort

    def _folder(self, path: str) -> Sort | None:
        """Say what a folder is, by its name or by a file in it."""
        name = posixpath.basename(path)
        if kind := _BY_FOLDER.get(name):
            return Sort(kind, f"**/{name}")
        for marker, marked in _MARKERS.items():
            if os.access(self._root / path / marker, os.F_OK):
                return Sort(marked, escaped(path))
        return None


def sort_file(root: Path, entry: Entry) -> Sort | None:
    """Say what a file is, by its name, its size and, of a notebook, by what it holds."""
    folder, name = posixpath.split(entry.path)
    suffix = posixpath.splitext(name)[1]
    if kind := _BY_NAME.get(name):
        return Sort(kind, f"**/{name}")
    if sort := _BY_SUFFIX.get(suffix):
        return sort
    if suffix == ".ipynb":
        return Sort(NOTEBOOK, "**/*.ipynb", True) if _has_output(root / entry.path) else None
    if entry.stat.st_size >= LARGE and suffix in _LARGE and not _in_package(root, folder):
        like = f"{escaped(folder)}/*{suffix}" if folder else f"*{suffix}"
        return Sort(_LARGE[suffix], like, True)
    return None


def _in_package(root: Path, folder: str) -> bool:
    """Say whether a folder lies in a Python package, whose data is installed with it."""
    while folder:
        if os.access(root / folder / "__init__.py", os.F_OK):
            return True
        folder = posixpath.dirname(folder)
    return False


def _has_output(notebook: Path) -> bool:
    try:
        return _OUTPUT in notebook.read_bytes()
    except OSError:
        return False
