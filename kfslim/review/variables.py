"""``ARG`` and ``ENV``: what is known of variables, and filling them in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from kfslim.review.shell import split_words
from kfslim.review.syntax import Instruction

_VARIABLE = re.compile(r"\\\$|\$(?:\{(\w+)(?:(:?[-+])([^}]*))?\}|(\w+))")
_LONGEST = 1 << 16  # characters


def fill(text: str, known: Mapping[str, str]) -> str:
    """Replace the variables that are known; the others stay as they are written.

    So does a text that would grow beyond measure (``ENV A=$A$A``, line after line).
    """

    def value(match: re.Match[str]) -> str:
        name, operator, other = match[1] or match[4], match[2] or "", match[3] or ""
        if not name:
            return "$"
        if operator.endswith("+"):
            return other if known.get(name) else ""
        if name in known and (known[name] or ":" not in operator):
            return known[name]
        return other if operator else match[0]

    filled = _VARIABLE.sub(value, text)
    return filled if len(filled) <= _LONGEST else text


def pairs(instruction: Instruction) -> Iterator[tuple[str, str | None]]:
    """Yield names and values of an ``ENV``, ``ARG`` or ``LABEL``; None: an ``ARG`` without one."""
    words = split_words(instruction.arguments.text)
    if instruction.keyword != "ARG" and words and "=" not in words[0].text:  # ENV NAME some value
        name, _, value = instruction.arguments.text.strip().partition(" ")
        yield name, value.strip()
        return
    for word in words:
        name, equals, value = word.text.partition("=")
        yield name, value if equals else None


def known_after(
    instructions: Iterable[Instruction],
    outer: Mapping[str, str] | None = None,
    before: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the variables after ``instructions``.

    ``outer`` are those before the first FROM, which an ARG takes over; ``before`` those that are
    set already.
    """
    known = dict(before or {})
    for one in instructions:
        if one.keyword in ("ENV", "ARG"):
            for name, value in pairs(one):
                if value is not None:
                    known[name] = fill(value, known)
                elif outer and name in outer:
                    known[name] = outer[name]
    return known
