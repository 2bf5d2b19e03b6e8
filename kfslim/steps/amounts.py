"""Amounts of bytes as people write them: ``150 MB``, ``1.5 GB``, ``512 MiB``, ``9000``."""

from __future__ import annotations

import re

_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([kKMGT]?i?B?)\Z")
_POWERS = "kMGT"


def byte_count(text: str) -> int:
    """Return the bytes that ``text`` means; units are decimal, those with an ``i`` binary.

    Raises:
        ValueError: it is no amount; the message is a sentence for the user.
    """
    found = _AMOUNT.match(text.strip())
    if not found:
        raise ValueError(f'{text[:40]!r} is no amount of bytes; write it like "150 MB"')
    unit = found[2].rstrip("B")
    power = _POWERS.index(unit[0].replace("K", "k")) + 1 if unit else 0
    base = 1024 if "i" in unit else 1000
    return round(float(found[1]) * float(base**power))
