"""Where the strings of a TOML file stand: parsers keep no places, and lists are edited in place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

# TOML 1.0, "String" and "Comment": the longest kind first.
_TOKEN = re.compile(
    r'#[^\n]*|"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'',
    re.DOTALL,
)


class TomlString(NamedTuple):
    """One string on a single line: its value, and ``text[start:end]`` with the quotes around it."""

    value: str
    start: int
    end: int
    line: int


def toml_strings(text: str) -> Iterator[TomlString]:
    """Yield the one-line strings of ``text``, in order; what is in comments is none."""
    line, seen = 1, 0
    for token in _TOKEN.finditer(text):
        line += text.count("\n", seen, token.start())
        seen = token.start()
        word = token[0]
        if word[0] == "#" or word[:3] in ('"""', "'''"):
            continue
        yield TomlString(_value(word), token.start(), token.end(), line)


def _value(word: str) -> str:
    if word[0] == "'":
        return word[1:-1]
    try:
        return str(json.loads(word, strict=False))  # \U and \e are TOML's alone: never in a name
    except ValueError:
        return word[1:-1]
