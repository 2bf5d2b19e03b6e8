"""Shell text → simple commands, as far as is needed to know programs and their arguments.

Grammar: POSIX "Shell Command Language".  Nothing is expanded; what stands in ``$(…)`` is one piece
of a word.  Every text gives some result.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

_OPERATOR = re.compile(r"&&|\|\||;;|\|&|[;|&()\n]")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_PREFIXES = {
    "if", "then", "else", "elif", "do", "while", "until", "!", "{", "}", "time", "exec", "sudo",
    "env", "command",
}  # fmt: skip
_CLOSING = {"(": ")", "{": "}"}


class Word(NamedTuple):
    """One word without its quotes, and where it stands."""

    text: str
    start: int
    end: int


class Command(NamedTuple):
    """One simple command.  ``before`` is the operator before it, empty at the start."""

    words: tuple[Word, ...]
    before: str

    @property
    def program(self) -> str:
        """The name of the program, without its folder."""
        return posixpath.basename(self.words[0].text)


def split_words(text: str) -> list[Word]:
    """Return the words of a text that holds no operators."""
    return [token for token in _Scanner(text, operators=False).tokens() if isinstance(token, Word)]


def split_commands(text: str) -> list[Command]:
    """Return the simple commands of a shell text; assignments before them are left out."""
    found: list[Command] = []
    words: list[Word] = []
    before = ""
    for token in [*_Scanner(text).tokens(), ";"]:
        if isinstance(token, Word):
            words.append(token)
            continue
        if bare := _bare(words):
            found.append(Command(tuple(bare), before))
        words, before = [], token
    return found


def _bare(words: list[Word]) -> list[Word]:
    at = 0
    while at < len(words) and (
        words[at].text in _PREFIXES
        or _ASSIGNMENT.match(words[at].text)
        or not words[at].text
        or (at and words[at].text.startswith("-"))  # of sudo, env
    ):
        at += 1
    return words[at:]


class _Scanner:
    """Goes through a text once, from left to right."""

    def __init__(self, text: str, *, operators: bool = True) -> None:
        self._text, self._at, self._operators = text, 0, operators

    def tokens(self) -> Iterator[Word | str]:
        """Yield words and operators."""
        text = self._text
        while self._at < len(text):
            char = text[self._at]
            operator = _OPERATOR.match(text, self._at) if self._operators else None
            if operator and not self._redirects():
                self._at = operator.end()
                yield operator[0]
            elif char.isspace():
                self._at += 1
            elif char == "#" and self._operators:
                end = text.find("\n", self._at)
                self._at = len(text) if end < 0 else end
            else:
                yield self._word()

    def _redirects(self) -> bool:
        """Tell whether an ampersand belongs to ``2>&1`` or ``&>file``."""
        at, text = self._at, self._text
        return text[at] == "&" and (text[at - 1 : at] in ("<", ">") or text[at + 1 : at + 2] == ">")

    def _word(self) -> Word:
        start, parts = self._at, list[str]()
        while self._at < len(self._text):
            char = self._text[self._at]
            ends = self._operators and _OPERATOR.match(self._text, self._at)
            if char.isspace() or (ends and not self._redirects()):
                break
            parts.append(self._next(char))
        return Word("".join(parts), start, self._at)

    def _next(self, char: str) -> str:
        """Take one character, quotation, escape or substitution; return what it says."""
        text, at = self._text, self._at
        if char == "\\":
            self._at = min(at + 2, len(text))
            return text[at + 1 : at + 2].strip("\n")
        if char == "'":
            return self._until("'", at + 1)
        if char == "`":
            self._until("`", at + 1)
            return text[at : self._at]
        if char == '"':
            return self._quoted()
        if char == "$" and text[at + 1 : at + 2] in _CLOSING:
            return self._substitution(text[at + 1])
        self._at += 1
        return char

    def _until(self, mark: str, at: int) -> str:
        end = self._text.find(mark, at)
        end = len(self._text) if end < 0 else end
        self._at = min(end + 1, len(self._text))
        return self._text[at:end]

    def _quoted(self) -> str:
        self._at += 1
        parts = []
        while self._at < len(self._text) and (char := self._text[self._at]) != '"':
            if char == "'":
                parts.append(char)
                self._at += 1
            else:
                parts.append(self._next(char))
        self._at = min(self._at + 1, len(self._text))
        return "".join(parts)

    def _substitution(self, opening: str) -> str:
        start, depth, closing = self._at, 0, _CLOSING[opening]
        self._at += 1
        while self._at < len(self._text):
            char = self._text[self._at]
            self._at += 1
            depth += (char == opening) - (char == closing)
            if not depth:
                break
        return self._text[start : self._at]
