"""Running a command and seeing what it took: wall and CPU seconds, and memory of its whole tree."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_EVERY = 0.1  # seconds between two looks at the memory
KFSLIM = (sys.executable, "-m", "kfslim")


@dataclass(frozen=True)
class Ran:
    """What a command took.

    ``tree_bytes`` is the most memory that it and its descendants had together, pages that they
    share counted once (PSS); ``largest_bytes`` is the peak of the largest of them (VmHWM).  Both
    are looked up ten times a second.  (``ru_maxrss`` would not do: a child begins with its
    parent's.)
    """

    seconds: float
    cpu_seconds: float
    tree_bytes: int
    largest_bytes: int
    output: str


def run(*argv: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Ran:
    """Run a command to its end.

    Raises:
        RuntimeError: it failed; with the end of what it said.
    """
    command = [str(argument) for argument in argv]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, env={**os.environ, **(env or {})}, cwd=cwd, stdout=out, stderr=errors
        )
        with _Sampler(process.pid) as sampler:
            _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said = (_text(errors) or _text(out)).strip()[-2000:]
            raise RuntimeError(f"{' '.join(command)[:200]}: exit {process.returncode}\n{said}")
        cpu = used.ru_utime + used.ru_stime
        return Ran(seconds, cpu, sampler.together, sampler.largest, _text(out))


def kfslim(*arguments: str | Path, env: Mapping[str, str] | None = None) -> Ran:
    """Run kfslim's command line in a process of its own."""
    return run(*KFSLIM, *arguments, env=env)


def _text(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


class _Sampler:
    """Looks at the memory of a process and its descendants until it is left."""

    def __init__(self, pid: int) -> None:
        self.together = self.largest = 0
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> _Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(_EVERY):
            pids = list(_tree(self._pid))
            self.together = max(
                self.together, sum(_bytes(pid, "smaps_rollup", "Pss") for pid in pids)
            )
            self.largest = max(self.largest, *(_bytes(pid, "status", "VmHWM") for pid in pids))


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for child in _children(pid):
        yield from _tree(child)


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task")
    try:
        found = [(task / "children").read_text() for task in tasks.iterdir()]
    except OSError:  # it ended in between
        return []
    return [int(child) for children in found for child in children.split()]


def _bytes(pid: int, file: str, name: str) -> int:
    """Return one field of a process's memory; 0 when it ended in between."""
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except OSError:
        return 0
    found = (int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))
    return next(found, 0)


def own_peak_bytes() -> int:
    """Return the most memory that this process had so far (RSS)."""
    return _bytes(os.getpid(), "status", "VmHWM")
