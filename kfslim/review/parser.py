"""Dockerfile text → :class:`Dockerfile`.  What cannot be read is named; the rest is used.

Rules: Dockerfile reference (directives, escapes, here-documents, exec form, ``FROM``), as BuildKit
has them; the classic builder knows less, and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal, NamedTuple

from kfslim.review.syntax import Dockerfile, Heredoc, Instruction, Piece, Placed, Stage
from kfslim.review.variables import fill, known_after

KEYWORDS = {
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL",
    "MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
}  # fmt: skip
_KEYWORD = re.compile(r"[\s\ufeff]*(\S+)\s*")
_HEREDOCS = ("RUN", "COPY", "ADD")
_EXEC_FORM = ("RUN", "CMD", "ENTRYPOINT", "COPY", "ADD", "SHELL", "VOLUME")
_DIRECTIVE = re.compile(r"\s*#\s*([A-Za-z]+)\s*=\s*(.*?)\s*$")
_HEREDOC = re.compile(r"(?<![<\S])\d*<<(-?)([\"']?)([A-Za-z_]\w*)\2(?!\S)")
_FLAG = re.compile(r"--[A-Za-z][\w-]*(?:=(?:\"[^\"]*\"|'[^']*'|\S)*)?(?:\s+|$)")
_FROM = re.compile(r"(\S+)(?:\s+[Aa][Ss]\s+([A-Za-z][\w.-]*))?\s*$")
_BOM = "\ufeff"


class _Line(NamedTuple):
    """One line with its end, its number from 1, and its offset."""

    text: str
    number: int
    start: int

    @property
    def bare(self) -> str:
        """The line without its end."""
        return self.text.rstrip("\r\n")

    @property
    def is_comment(self) -> bool:
        """A comment, or a directive."""
        return self.text.lstrip(f"{_BOM} \t\r\v\f").startswith("#")

    @property
    def is_blank(self) -> bool:
        """A line that says nothing."""
        return not self.text.strip(f"{_BOM} \t\r\n\v\f") or self.is_comment


def parse(text: str) -> Dockerfile:
    """Read a Dockerfile.  Never raises; joined, the texts of the pieces are ``text``."""
    lines = list(_lines(text))
    escape = _escape(lines)
    pieces = tuple(_begun(_Reader(lines, escape).pieces()))
    instructions = [piece.instruction for piece in pieces if piece.instruction]
    return Dockerfile(text, pieces, tuple(_stages(instructions)), escape)


def _lines(text: str) -> Iterator[_Line]:
    start = 0
    for number, line in enumerate(re.findall(r"[^\n]*\n|[^\n]+", text), 1):
        yield _Line(line, number, start)
        start += len(line)


def _escape(lines: list[_Line]) -> str:
    """Return the escape character; directives stand before all else."""
    for line in lines:
        directive = _DIRECTIVE.match(line.text.lstrip(_BOM))
        if not directive:
            break
        if directive[1].lower() == "escape" and directive[2] in ("`", "\\"):
            return directive[2]
    return "\\"


class _Reader:
    """Goes through the lines once."""

    def __init__(self, lines: list[_Line], escape: str) -> None:
        self._lines, self._at = lines, 0
        mark = re.escape(escape)
        self._continued = re.compile(rf"(?<!{mark}){mark}[ \t]*$")

    def pieces(self) -> Iterator[Piece]:
        """Yield the pieces in order."""
        while self._at < len(self._lines):
            yield self._blank() if self._lines[self._at].is_blank else self._instruction()

    def _blank(self) -> Piece:
        first = self._at
        while self._at < len(self._lines) and self._lines[self._at].is_blank:
            self._at += 1
        return self._piece(first, "blank")

    def _piece(
        self,
        first: int,
        kind: Literal["instruction", "blank", "unread"],
        instruction: Instruction | None = None,
        why: str = "",
    ) -> Piece:
        lines = self._lines[first : self._at]
        text = "".join(line.text for line in lines)
        start, last = lines[0], lines[-1].number
        return Piece(kind, start.number, last, start.start, text, instruction, why)

    def _instruction(self) -> Piece:
        first = self._at
        logical = self._logical()
        match = _KEYWORD.match(logical.text)
        keyword = match[1].upper() if match else ""
        if not match or keyword not in KEYWORDS:
            return self._piece(first, "unread", why=_unknown(keyword))
        flags, arguments = _flags(logical.part(match.end()))
        heredocs = self._heredocs(arguments.text) if keyword in _HEREDOCS else ()
        if heredocs is None:
            return self._piece(first, "unread", why="its here-document does not end")
        instruction = Instruction(
            keyword,
            self._lines[first].number,
            self._lines[self._at - 1].number,
            flags,
            arguments,
            heredocs,
            _exec_form(keyword, arguments.text),
        )
        why = _wrong(instruction)
        kind: Literal["instruction", "unread"] = "unread" if why else "instruction"
        return self._piece(first, kind, None if why else instruction, why)

    def _logical(self) -> Placed:
        """Take the lines of one instruction; comments and blank lines among them say nothing."""
        text, offsets, end = "", list[int](), 0
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            if text and line.is_blank:
                continue
            continued = self._continued.search(line.bare)
            part = line.bare[: continued.start()] if continued else line.bare
            end = line.start + len(part)
            text += part
            offsets += range(line.start, end)
            if not continued:
                break
        return Placed(text, (*offsets, end))

    def _heredocs(self, text: str) -> tuple[Heredoc, ...] | None:
        """Take the here-documents that ``text`` announces; None if one does not end."""
        found, after = [], self._at
        for match in _HEREDOC.finditer(text):
            body = self._body(match[3], tabs=bool(match[1]))
            if body is None:
                self._at = after
                return None
            found.append(Heredoc(match[3], body))
        return tuple(found)

    def _body(self, name: str, *, tabs: bool) -> Placed | None:
        first = self._at
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            if (line.bare.lstrip("\t") if tabs else line.bare) == name:
                text = "".join(one.text for one in self._lines[first : self._at - 1])
                start = line.start - len(text)
                return Placed(text, tuple(range(start, line.start + 1)))
        return None


def _unknown(keyword: str) -> str:
    return f"there is no instruction {keyword}" if keyword.isalpha() else "it is no instruction"


def _flags(arguments: Placed) -> tuple[tuple[str, ...], Placed]:
    """Split off the flags before the arguments."""
    flags, at = [], 0
    while match := _FLAG.match(arguments.text, at):
        flags.append(match[0].strip())
        at = match.end()
    return tuple(flags), arguments.part(at)


def _exec_form(keyword: str, text: str) -> tuple[str, ...] | None:
    if keyword not in _EXEC_FORM or not text.startswith("["):
        return None
    try:
        words = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return tuple(words) if all(isinstance(word, str) for word in words) else None


def _wrong(instruction: Instruction) -> str:
    """Say what is wrong with an instruction, if anything."""
    text = instruction.arguments.text.strip()
    if not text and instruction.keyword not in ("CMD", "ENTRYPOINT"):
        return f"{instruction.keyword} has no argument"
    if instruction.keyword == "FROM" and not _FROM.match(text):
        return "FROM is followed by an image and, if anything, AS and a name"
    return ""


def _begun(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Mark as unread what stands before the first FROM and belongs behind it."""
    begun = False
    for piece in pieces:
        keyword = piece.instruction.keyword if piece.instruction else ""
        begun = begun or keyword == "FROM"
        if keyword and not begun and keyword != "ARG":
            why = f"{keyword} stands before the first FROM"
            yield replace(piece, kind="unread", instruction=None, why=why)
        else:
            yield piece


def _stages(instructions: Sequence[Instruction]) -> Iterator[Stage]:
    starts = [at for at, one in enumerate(instructions) if one.keyword == "FROM"]
    outer = known_after(instructions[: starts[0]]) if starts else {}
    names: dict[str, int] = {}
    for number, (start, end) in enumerate(pairwise([*starts, len(instructions)])):
        match = _FROM.match(instructions[start].arguments.text.strip())
        image, name = (match[1], match[2] or "") if match else ("", "")
        image = fill(image, outer)
        parent = names.get(image.lower(), -1)
        yield Stage(number, name.lower(), image, parent, tuple(instructions[start:end]))
        if name:
            names[name.lower()] = number
