"""An image's history joined with the instructions of a Dockerfile.

Two kinds of history are read: the classic builder's (``/bin/sh -c #(nop)  CMD …``) and BuildKit's
(``RUN /bin/sh -c … # buildkit``).  Neither names a line, so that entries are found by what they
say, in order.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kfslim.measure.commands import clean_command
from kfslim.measure.model import LayerMeasure
from kfslim.review.masking import masked
from kfslim.review.model import Cost
from kfslim.review.parser import KEYWORDS
from kfslim.review.syntax import Instruction

_MADE = ("RUN", "COPY", "ADD")  # these make layers; an image without them is of another Dockerfile
_LONGEST = 400  # characters of a command that are told


class Joined(NamedTuple):
    """``costs`` are in the order of the history; ``lines`` are by layer, 0 where none is known."""

    costs: tuple[Cost, ...]
    lines: tuple[int, ...]
    notes: tuple[str, ...] = ()


class _Entry(NamedTuple):
    keyword: str
    text: str
    empty: bool


def join(
    instructions: Sequence[Instruction],
    history: Sequence[Mapping[str, object]],
    layers: Sequence[LayerMeasure],
) -> Joined:
    """Find for every history entry its instruction, and for every layer its entry."""
    entries = [_entry(one) for one in history]
    if sum(not one.empty for one in entries) != len(layers):
        untold = tuple(_cost(None, one.command, one, base=False) for one in layers)
        return Joined(untold, (0,) * len(layers), ("the image's history does not tell its layers",))
    instructions = [one for one in instructions if one.keyword != "FROM"]
    pairs = dict(_aligned(instructions, entries))
    first = min(pairs, default=len(entries))
    left = iter(layers)
    costs, lines = list[Cost](), list[int]()
    for at, entry in enumerate(entries):
        made = instructions[pairs[at]] if at in pairs else None
        layer = None if entry.empty else next(left)
        told = _written(made) if made else f"{entry.keyword} {entry.text}".strip()
        costs.append(_cost(made, told, layer, base=at < first))
        lines += [made.first if made else 0] if layer else []
    return Joined(tuple(costs), tuple(lines), _misfits(instructions, set(pairs.values())))


def _entry(one: Mapping[str, object]) -> _Entry:
    text = clean_command(str(one.get("created_by") or one.get("comment") or ""))
    keyword, _, rest = text.partition(" ")
    if keyword not in KEYWORDS:
        keyword, rest = "RUN", text
    return _Entry(keyword, " ".join(rest.split()), bool(one.get("empty_layer")))


def _written(made: Instruction) -> str:
    """Return an instruction in one line: a history names the hashes of what was copied."""
    return " ".join([made.keyword, *made.flags, *made.arguments.text.split()])


def _cost(
    made: Instruction | None, command: str, layer: LayerMeasure | None, *, base: bool
) -> Cost:
    return Cost(
        line=made.first if made else 0,
        last_line=made.last if made else 0,
        command=masked(command)[:_LONGEST],
        content_bytes=layer.content_bytes if layer else 0,
        disk_bytes=layer.disk_bytes if layer else 0,
        base=base,
    )


def _aligned(
    instructions: Sequence[Instruction], entries: Sequence[_Entry]
) -> list[tuple[int, int]]:
    """Return (entry, instruction) pairs in order whose likeness adds up to the most.

    Of equally good pairs the latest entries are taken: what a base says comes first.
    """
    texts = [_text(one) for one in instructions]
    like = [
        [_likeness(one, text, entry) for entry in entries]
        for one, text in zip(instructions, texts, strict=True)
    ]
    rows, columns = len(instructions), len(entries)
    best = [[0] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows):
        for j in range(columns):
            taken = best[i][j] + like[i][j] if like[i][j] else 0
            best[i + 1][j + 1] = max(taken, best[i][j + 1], best[i + 1][j])
    pairs, i, j = [], rows, columns
    while i and j:
        if like[i - 1][j - 1] and best[i][j] == best[i - 1][j - 1] + like[i - 1][j - 1]:
            i, j = i - 1, j - 1
            pairs.append((j, i))
        elif best[i][j] == best[i - 1][j]:
            i -= 1
        else:
            j -= 1
    return pairs[::-1]


def _text(one: Instruction) -> str:
    if one.json is not None:
        text = " ".join(one.json) if one.keyword == "RUN" else json.dumps(list(one.json))
    else:
        text = one.arguments.text
    return clean_command(text)


def _likeness(one: Instruction, text: str, entry: _Entry) -> int:
    """Return 0 where an entry cannot be of an instruction, and more the surer it is."""
    if one.keyword != entry.keyword:
        return 0
    if one.keyword == "RUN":
        body = " ".join(one.heredocs[0].body.text.split()) if one.heredocs else ""
        return 4 if text == entry.text or (body and body in entry.text) else 0
    if text == entry.text:
        return 4
    same_end = text.split()[-1:] == entry.text.split()[-1:]
    return 2 if same_end else 1


def _misfits(instructions: Sequence[Instruction], matched: set[int]) -> tuple[str, ...]:
    lines = [
        str(one.first)
        for at, one in enumerate(instructions)
        if one.keyword in _MADE and at not in matched
    ]
    if not lines:
        return ()
    told = f"line{'s' if len(lines) > 1 else ''} {', '.join(lines)}"
    return (f"the image does not fit the Dockerfile: nothing in its history is of {told}",)
