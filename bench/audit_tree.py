"""The audit of a source tree of 500 files that declares the seed's whole list.

The tree is made here, the same every time: modules as they are in projects, with imports of each
other, of what is declared, and of the standard library.  Timed is what comes after the lock, with
the anatomies of all distributions known from an earlier audit: reading, rules, decisions.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from pathlib import Path

from bench.show import mb, note, seconds, table, target, title
from bench.workspace import SEED_LIST, Workspace
from kfslim.cache import Cache
from kfslim.flow.auditing_sources import Subject, audit_locked, lock_subject, read_subject
from kfslim.flow.context import Context
from kfslim.lock.model import Lock

FILES, PACKAGES, RUNS = 500, 20, 5
_HEADS = (
    "import json\nimport pandas as pd",
    "import numpy as np\nfrom pathlib import Path",
    "from sklearn.model_selection import train_test_split\nimport joblib",
    "import boto3\nfrom dataclasses import dataclass",
    "try:\n    import mlflow\nexcept ImportError:\n    mlflow = None",
    "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pyarrow as pa",
)
_BODY = '''

def {name}(path: str, *, limit: int = {number}) -> dict[str, object]:
    """Read ``path`` and return what is told of it."""
    rows, seen = [], set()
    with open(path, encoding="utf-8") as stream:
        for number, line in enumerate(stream):
            fields = [field.strip() for field in line.split(",")]
            if number > limit or not fields[0] or fields[0] in seen:
                continue
            seen.add(fields[0])
            value = float(fields[-1])
            rows.append({{"id": fields[0], "value": value, "where": f"{{path}}:{{number}}"}})
    totals = {{row["id"]: row["value"] * {number} for row in rows if row["value"] > 0}}
    return {{"rows": rows, "totals": totals, "source": "s3://bucket/{name}/part.parquet"}}
'''


def make_tree(folder: Path) -> int:
    """Write the tree; return its bytes."""
    choose = random.Random(0)
    written = 0
    for number in range(FILES):
        package = folder / f"package_{number % PACKAGES}"
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").touch()
        other = f"from package_{choose.randrange(PACKAGES)} import module_{choose.randrange(FILES)}"
        functions = (
            _BODY.format(name=f"read_{number}_{place}", number=choose.randrange(1, 999))
            for place in range(choose.randrange(4, 16))
        )
        text = f"{choose.choice(_HEADS)}\n{other}\n{''.join(functions)}"
        (package / f"module_{number}.py").write_text(text)
        written += len(text)
    return written


def add_options(parser: argparse._ArgumentGroup) -> None:
    parser.add_argument("--tree-runs", type=int, default=RUNS, help=f"of the audit [{RUNS}]")


def run(options: argparse.Namespace) -> None:
    title("The audit of a source tree")
    workspace = Workspace(options.folder)
    with tempfile.TemporaryDirectory(dir=workspace.folder) as scratch:
        root = Path(scratch)
        count = make_tree(root)
        with Context(Cache(workspace.folder / "audit" / "cache")) as context:
            note("locking, and opening every distribution once")
            subject = read_subject(context, root, SEED_LIST)
            lock = lock_subject(context, subject, "3.11")
            audit_locked(context, subject, lock)
            times = [timed(context, root, lock) for _ in range(options.tree_runs)]
            show(subject, lock, count, times)


def timed(context: Context, root: Path, lock: Lock) -> tuple[float, float]:
    """Return seconds of reading the files, and of all the rest."""
    start = time.perf_counter()
    subject = read_subject(context, root, SEED_LIST)
    read = time.perf_counter()
    audit_locked(context, subject, lock)
    return read - start, time.perf_counter() - read


def show(subject: Subject, lock: Lock, count: int, times: list[tuple[float, float]]) -> None:
    files, rest = (statistics.median(column) for column in zip(*times, strict=True))
    table(
        ("files", "bytes", "distributions", "read files", "parse and decide", "together"),
        [
            (
                str(len(subject.sources or ())),
                mb(count),
                str(len(lock.distributions)),
                *(seconds(value) for value in (files, rest, files + rest)),
            )
        ],
    )
    print()
    target(f"audit of {FILES} files beyond the lock", files + rest, "<=", 2, " s")
