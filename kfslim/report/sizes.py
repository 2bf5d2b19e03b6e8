"""Bytes, seconds and shares for people, in one place.

Bytes are decimal, as ``docker images`` shows them: 1 MB is 1,000,000 bytes.
"""

from __future__ import annotations

_UNITS = ("B", "kB", "MB", "GB", "TB")


def human_bytes(count: float) -> str:
    """Return ``count`` bytes in three significant digits: ``812 B``, ``21.3 MB``, ``3.48 GB``."""
    value, unit = float(count), 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    digits = 0 if unit == 0 or value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:.{digits}f} {_UNITS[unit]}"


def maybe_bytes(count: int | None) -> str:
    """Return :func:`human_bytes`, or a dash for what was not measured."""
    return "–" if count is None else human_bytes(count)


def human_seconds(seconds: float) -> str:
    """Return ``0.34 s``, ``4.2 s``, ``42 s`` or ``3 min 20 s``."""
    if seconds < 0.995:
        return f"{seconds:.2f} s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole} s" if whole < 120 else f"{whole // 60} min {whole % 60} s"


def change(before: float, after: float) -> str:
    """Return how ``after`` compares: ``−89 %``, ``+3 %``; empty when there was nothing before."""
    if before <= 0:
        return ""
    percent = round(100 * (after - before) / before)
    return f"{'−' if percent < 0 else '+'}{abs(percent)} %" if percent else "±0 %"


def counted(count: int, noun: str) -> str:
    """Return ``1 step``, ``6 steps``, ``1,204 files``."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
