"""Figures as text: tables, targets, and the machine they were taken on."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def mb(count: float | None) -> str:
    """Bytes in MB (10^6); a dash where there are none to tell."""
    return "-" if count is None else f"{count / 1e6:.{1 if count >= 1e7 else 2}f} MB"


def seconds(value: float | None) -> str:
    """Seconds, finer when there are few."""
    return "-" if value is None else f"{value:.2f} s" if value < 10 else f"{value:.1f} s"


def title(text: str) -> None:
    """Begin a benchmark."""
    print(f"\n## {text}\n", flush=True)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table."""
    print(table_text(head, rows), flush=True)


def table_text(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table, first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        first, *others = [
            cell.rjust(width) if index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "| " + " | ".join([first, *others]) + " |"

    rule = [
        "-" * width if not index else "-" * (width - 1) + ":" for index, width in enumerate(widths)
    ]
    return "\n".join([line(head), line(rule), *map(line, rows)])


def target(what: str, value: float, relation: str, bound: float, unit: str = "") -> None:
    """Print one target as met or missed."""
    print(verdict(what, value, relation, bound, unit), flush=True)


def verdict(what: str, value: float, relation: str, bound: float, unit: str = "") -> str:
    """Return one target as met or missed; ``relation`` is ``>=`` or ``<=``."""
    met = value >= bound if relation == ">=" else value <= bound
    word = "met   " if met else "MISSED"
    return f"- {word}  {what}: {value:.2f}{unit} (target {relation} {bound:g}{unit})"


def machine() -> None:
    """Print what machine this is, and how busy."""
    print(f"{machine_text()}; load {os.getloadavg()[0]:.1f}", flush=True)


def machine_text() -> str:
    """Name the machine, without its name."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return (
        f"CPU {_cpu()}, {os.cpu_count()} cores, {memory:.0f} GiB memory; {_system()}; "
        f"Python {platform.python_version()}; {_docker()}"
    )


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    found = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(found, platform.machine())


def _system() -> str:
    facts = platform.freedesktop_os_release()
    version = Path("/etc/debian_version")
    name = facts.get("PRETTY_NAME", "Linux")
    return f"{name} ({version.read_text().strip()})" if version.exists() else name


def _docker() -> str:
    binary = shutil.which("dockerd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if not binary:
        return "no Docker Engine"
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True)
    return said.stdout.partition(",")[0].strip()


def note(text: str) -> None:
    """Say on standard error what takes its time now."""
    print(f"... {text}", file=sys.stderr, flush=True)
