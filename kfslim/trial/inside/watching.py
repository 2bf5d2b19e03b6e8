"""A trial's processes held to their limits, from outside their namespaces."""

from __future__ import annotations

import json
import os
import select
import signal
import time
from contextlib import suppress
from typing import Any, NamedTuple

from kfslim.trial.inside.mounts import Room

_POLL = 0.05  # seconds; a process fills some 100 MB of memory in that time
# A process has threads: they count for the kernel's limit, which only backs up the one here.
TASKS_PER_PROCESS = 4
# A process can take memory that none of its figures show (files in memory, full pipes).  What is
# left of the machine's shows it: below this share the kernel would soon end anybody's processes.
_LEFT = 0.02
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Watched(NamedTuple):
    """``ended``: which limit ended it ("": none did).  ``told``: what its first process said."""

    ended: str
    told: dict[str, Any]
    seconds: float
    was_full: bool


class Usage(NamedTuple):
    """Processes and threads, and bytes of memory that they have together."""

    processes: int = 0
    threads: int = 0
    memory_bytes: int = 0


def watch(init: int, told: int, room: Room, limits: dict[str, Any]) -> Watched:
    """Wait until process ``init`` says on ``told`` how the command ended, or a limit is passed.

    When this returns, or raises, every process of the namespace is gone.
    """
    start, ended, was_full = time.monotonic(), "", False
    try:
        while not ended and not select.select([told], [], [], _POLL)[0]:
            was_full = was_full or room.is_full
            seconds = time.monotonic() - start
            ended = "timeout" if seconds > limits["seconds"] else _passed(room, limits)
        seconds = time.monotonic() - start
        said = b"" if ended else _read(told)
        was_full = was_full or room.is_full
    finally:
        with suppress(ProcessLookupError):
            os.kill(init, signal.SIGKILL)
        os.waitpid(init, 0)  # of the first process: returns when the others are gone, too
    return Watched(ended, json.loads(said or b"{}"), seconds, was_full)


def _read(told: int) -> bytes:
    with open(told, "rb", closefd=False) as pipe:
        return pipe.read()


def _passed(room: Room, limits: dict[str, Any]) -> str:
    """Return which limit the processes of the namespace pass now."""
    proc = room.path("proc")
    pids = _pids(proc)
    usage = usage_of(proc, pids)
    most = limits["processes"]
    if usage.processes > most or usage.threads >= most * TASKS_PER_PROCESS:
        return "processes"
    # Shared pages are counted in each process; look closer only where that may matter.
    if usage.memory_bytes > limits["memory_bytes"]:
        shared = sum(_proportional(proc, pid) for pid in pids)
        if shared > limits["memory_bytes"]:
            return "memory"
    return "memory" if memory_left() < _LEFT else ""


def memory_left() -> float:
    """Return the share of the machine's memory that can still be had (proc(5), "meminfo")."""
    with open("/proc/meminfo", "rb") as file:
        found = dict(line.split()[:2] for line in file)
    available, total = (int(found.get(name, 1)) for name in (b"MemAvailable:", b"MemTotal:"))
    return available / total


def _pids(proc: str) -> list[str]:
    """Return the processes of the namespace but its first, which is ours."""
    try:
        return [name for name in os.listdir(proc) if name.isdigit() and name != "1"]
    except OSError:
        return []


def usage_of(proc: str, pids: list[str]) -> Usage:
    """Return what processes use, by their ``stat`` (proc(5), fields 20 and 24)."""
    processes, threads, pages = 0, 0, 0
    for pid in pids:
        with suppress(OSError), open(f"{proc}/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
            processes += 1
            threads += int(fields[17])
            pages += int(fields[21])
    return Usage(processes, threads, pages * _PAGE)


def _proportional(proc: str, pid: str) -> int:
    """Return a process's bytes, of shared ones its share (proc(5), "smaps_rollup")."""
    with suppress(OSError), open(f"{proc}/{pid}/smaps_rollup", "rb") as file:
        for line in file:
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
    return usage_of(proc, [pid]).memory_bytes
