"""A Dockerfile as values.  Every piece knows its lines; the pieces together are the whole text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple


class Placed(NamedTuple):
    """Text without line continuations and comments.

    ``offsets`` tells of every character where it stands in the file, and of the end where the next
    one would.
    """

    text: str
    offsets: tuple[int, ...]

    def part(self, start: int, end: int | None = None) -> Placed:
        """Return the characters from ``start`` to ``end``."""
        end = len(self.text) if end is None else end
        return Placed(self.text[start:end], self.offsets[start : end + 1])

    def end_of(self, index: int) -> int:
        """Return the offset in the file right after the character before ``index``."""
        return self.offsets[index - 1] + 1 if index else self.offsets[0]


class Heredoc(NamedTuple):
    """A here-document: its name, and the lines up to the one that ends it."""

    name: str
    body: Placed


@dataclass(frozen=True)
class Instruction:
    """One instruction, on the lines ``first`` to ``last`` (from 1).

    ``keyword`` is in capitals, that of ``ONBUILD RUN …`` is ``ONBUILD``.  ``arguments`` are what
    follows ``flags`` (``--from=builder``).  ``json`` holds the words of the exec form.
    """

    keyword: str
    first: int
    last: int
    flags: tuple[str, ...]
    arguments: Placed
    heredocs: tuple[Heredoc, ...] = ()
    json: tuple[str, ...] | None = None

    def flag(self, name: str) -> str:
        """Return the value of ``--name=value``; empty where there is none."""
        head = f"--{name}="
        return next((one[len(head) :] for one in self.flags if one.startswith(head)), "")

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the exec form, or those between spaces without their quotes."""
        if self.json is not None:
            return self.json
        return tuple(word.strip("\"'") for word in self.arguments.text.split())


@dataclass(frozen=True)
class Piece:
    """Consecutive lines: an instruction, blank lines and comments, or what could not be read."""

    kind: Literal["instruction", "blank", "unread"]
    first: int
    last: int
    start: int
    text: str
    instruction: Instruction | None = None
    why: str = ""

    @property
    def end(self) -> int:
        """The offset of the next piece."""
        return self.start + len(self.text)


@dataclass(frozen=True)
class Stage:
    """What one ``FROM`` begins.

    ``image`` is its reference with variables filled in; ``parent`` the number of the stage that it
    is built on, -1 where that is an image.  ``instructions`` begin with the ``FROM``.
    """

    number: int
    name: str
    image: str
    parent: int
    instructions: tuple[Instruction, ...]

    @property
    def start(self) -> Instruction:
        """The ``FROM``."""
        return self.instructions[0]


@dataclass(frozen=True)
class Dockerfile:
    """A Dockerfile that was read.  Instructions before the first ``FROM`` are in no stage."""

    text: str
    pieces: tuple[Piece, ...]
    stages: tuple[Stage, ...]
    escape: str = "\\"

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """All instructions in order."""
        return tuple(piece.instruction for piece in self.pieces if piece.instruction)

    @property
    def unread(self) -> tuple[Piece, ...]:
        """The pieces that could not be read."""
        return tuple(piece for piece in self.pieces if piece.kind == "unread")

    @property
    def final(self) -> Stage | None:
        """The stage that becomes the image."""
        return self.stages[-1] if self.stages else None

    def line(self, stage: Stage) -> tuple[Instruction, ...]:
        """Return all instructions that made ``stage``, those of the stages below it first."""
        below = self.line(self.stages[stage.parent]) if stage.parent >= 0 else ()
        return (*below, *stage.instructions)

    def lineage(self, stage: Stage) -> Iterator[Stage]:
        """Yield ``stage`` and the stages that it is built on, the lowest last."""
        yield stage
        if stage.parent >= 0:
            yield from self.lineage(self.stages[stage.parent])

    def stage_named(self, name: str, before: int) -> Stage | None:
        """Return the stage that ``--from=name`` means in stage number ``before``."""
        for stage in reversed(self.stages[:before]):
            if stage.name and stage.name == name.lower():
                return stage
        known = name.isdigit() and int(name) < before
        return self.stages[int(name)] if known else None
