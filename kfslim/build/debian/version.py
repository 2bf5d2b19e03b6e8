"""Debian's order of versions (Debian Policy 5.6.12, deb-version(7))."""

from __future__ import annotations

import re
from functools import lru_cache

_PARTS = re.compile(r"(\D*)(\d*)")
_END = 1  # of a part: after "~", before everything else
Key = tuple[int, tuple[tuple[tuple[int, ...], int], ...], tuple[tuple[tuple[int, ...], int], ...]]


@lru_cache(maxsize=8192)
def version_key(version: str) -> Key:
    """Return a key that sorts versions as dpkg does.

    ``[epoch:]upstream[-revision]``; an absent epoch or revision counts as 0.
    """
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return (int(epoch) if epoch.isdigit() else 0, _key(upstream), _key(revision or "0"))


def _key(part: str) -> tuple[tuple[tuple[int, ...], int], ...]:
    pairs = [
        ((*map(_order, text), _END), int(digits or 0)) for text, digits in _PARTS.findall(part)
    ]
    while len(pairs) > 1 and pairs[-1] == ((_END,), 0):
        pairs.pop()
    return (*pairs, ((_END,), 0))


def _order(char: str) -> int:
    if char == "~":
        return 0
    return ord(char) + 2 if char.isalpha() else ord(char) + 256


def satisfies(version: str, operator: str, wanted: str) -> bool:
    """True when ``version`` stands in relation ``operator`` (``<< <= = >= >>``) to ``wanted``.

    An empty operator accepts every version; the obsolete ``<`` and ``>`` mean ``<=`` and ``>=``.
    """
    left, right = version_key(version), version_key(wanted)
    return {
        "": True,
        "<<": left < right,
        "<=": left <= right,
        "<": left <= right,
        "=": left == right,
        ">=": left >= right,
        ">": left >= right,
        ">>": left > right,
    }.get(operator, False)
