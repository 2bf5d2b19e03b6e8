"""Bytes that serve no step, by reason.

A file may fall under several reasons.  Rules name only what is clearly of no use at run time, so
each figure is a lower bound.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

from kfslim.measure.model import Waste, WasteReason

EXAMPLES = 3
_TESTS = re.compile(r"(?:^|/)(?:site-packages|dist-packages|lib/python3[^/]*)/(?:.*/)?tests?/")
_PIP_CACHE = re.compile(r"(?:^|/)(?:\.cache/(?:pip|uv|pypoetry|pipenv)|conda/pkgs)/")
_OS_CACHES = (
    "var/cache/apt/",
    "var/lib/apt/lists/",
    "var/cache/dnf/",
    "var/cache/yum/",
    "var/cache/apk/",
    "etc/apk/cache/",
)
_HEADERS = re.compile(r"(?:^|/)include/(?:.*\.(?:h|hh|hpp|hxx|cuh|inl|inc)$|c\+\+/)")


def reasons_of(path: str) -> list[WasteReason]:
    """Return why the file at ``path`` (no leading slash) serves no step, by its path alone.

    The plain substring tests come first because this is asked for every file of an image.
    """
    reasons: list[WasteReason] = []
    if path.endswith((".pyc", ".pyo")):
        reasons.append("bytecode")
    if "/test" in path and _TESTS.search(path):
        reasons.append("tests")
    if ("cache/" in path or "pkgs/" in path) and _PIP_CACHE.search(path):
        reasons.append("pip-cache")
    if path.startswith(_OS_CACHES):
        reasons.append("apt-cache")
    if "include/" in path and _HEADERS.search(path):
        reasons.append("headers")
    if path.endswith((".a", ".la")):
        reasons.append("static-libraries")
    return reasons


BUILD_DISTRIBUTIONS = frozenset(
    {"pip", "wheel", "uv", "poetry", "pipenv", "virtualenv", "cython", "meson", "ninja", "cmake"}
)
_BUILD_PACKAGES = re.compile(
    r"(gcc|g\+\+|cpp|gfortran|clang|llvm|binutils|golang)(-.*|\d.*)?"
    r"|lib(gcc|stdc\+\+|c6|c)-?[\d.]*-dev|.+-dev|build-essential|build-base|dpkg-dev|make|cmake|ninja"
    r"|ninja-build|autoconf|automake|libtool|m4|bison|flex|patch|pkg-config|pkgconf|rustc|cargo"
)


def is_build_package(name: str) -> bool:
    """True for an OS package that only builds things."""
    return _BUILD_PACKAGES.fullmatch(name) is not None


class WasteCounter:
    """Adds up waste file by file."""

    def __init__(self) -> None:
        self._bytes: dict[str, int] = {}
        self._files: dict[str, int] = {}
        self._largest: dict[str, list[tuple[int, str]]] = {}

    def add(self, reason: WasteReason, path: str, size: int) -> None:
        """Count one file under one reason."""
        self._bytes[reason] = self._bytes.get(reason, 0) + size
        self._files[reason] = self._files.get(reason, 0) + 1
        if path:
            best = self._largest.setdefault(reason, [])
            heapq.heappush(best, (size, path))
            if len(best) > EXAMPLES:
                heapq.heappop(best)

    def add_by_path(self, paths: Sequence[str], size: int) -> None:
        """Count one file under every reason that holds for all its paths (hardlinks)."""
        reasons = reasons_of(paths[0])
        for other in paths[1:]:
            reasons = [reason for reason in reasons if reason in reasons_of(other)]
        for reason in reasons:
            self.add(reason, paths[0], size)

    def result(self) -> tuple[Waste, ...]:
        """Return what was found, in the order of the reasons."""
        return tuple(
            Waste(
                reason=reason,
                disk_bytes=self._bytes[reason],
                files=self._files[reason],
                examples=tuple(f"/{p}" for _, p in sorted(self._largest.get(reason, ()))[::-1]),
            )
            for reason in get_args(WasteReason)
            if reason in self._files
        )


def waste_of(files: Iterable[tuple[str, int]]) -> tuple[Waste, ...]:
    """Return the waste among files given as ``(path without leading slash, bytes)``."""
    counter = WasteCounter()
    for path, size in files:
        counter.add_by_path((path,), size)
    return counter.result()


def merge_waste(parts: Sequence[Iterable[Waste]]) -> tuple[Waste, ...]:
    """Add waste up by reason; examples are the first ones."""
    merged: dict[str, Waste] = {}
    for waste in (w for part in parts for w in part):
        known = merged.get(waste.reason)
        merged[waste.reason] = waste if known is None else _sum(known, waste)
    order: Mapping[str, int] = {reason: i for i, reason in enumerate(get_args(WasteReason))}
    return tuple(sorted(merged.values(), key=lambda waste: order[waste.reason]))


def _sum(a: Waste, b: Waste) -> Waste:
    return Waste(
        reason=a.reason,
        disk_bytes=a.disk_bytes + b.disk_bytes,
        files=a.files + b.files,
        examples=(*a.examples, *b.examples)[:EXAMPLES],
    )
