"""What every rule does with what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kfslim.review.codes import CODES
from kfslim.review.masking import masked
from kfslim.review.model import Finding
from kfslim.review.scene import Scene
from kfslim.review.syntax import Instruction

Rule = Callable[[Scene], Iterator[Finding]]
_NAMED = 5


def found(
    code: str, instruction: Instruction | None, message: str, disk_bytes: int | None = None
) -> Finding:
    """Return the finding ``code`` about an instruction; None: about no line."""
    return Finding(
        code=code,
        line=instruction.first if instruction else 0,
        last_line=instruction.last if instruction else 0,
        message=masked(message),
        advice=CODES[code].advice,
        disk_bytes=disk_bytes,
    )


def few(names: list[str]) -> str:
    """Return ``a, b and 3 more``."""
    names = list(dict.fromkeys(names))
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
