"""Text of others (a layer's command, a package's name) for a terminal that would obey it."""

from __future__ import annotations

_KEPT = ("\n", "\t")
_CODES = (*range(0x20), *range(0x7F, 0xA0))  # C0, DEL and C1 of ECMA-48
_SPELT = {code: f"\\x{code:02x}" for code in _CODES if chr(code) not in _KEPT}


def visible(text: str) -> str:
    """Return ``text`` with control characters spelt out, so that none reaches the terminal."""
    return text.translate(_SPELT)
