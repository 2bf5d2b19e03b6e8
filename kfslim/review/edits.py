"""Edits of a text, and where in a Dockerfile they go."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from kfslim.review.scene import Run
from kfslim.review.syntax import Dockerfile
from kfslim.review.tools import Call

_INDENT = re.compile(r"[ \t]*")


class Edit(NamedTuple):
    """Put ``text`` in the place of what lies from ``start`` to ``end`` (offsets)."""

    start: int
    end: int
    text: str


def apply(text: str, edits: Iterable[Edit]) -> str:
    """Return ``text`` with ``edits`` made; they must not overlap."""
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def line_end(dockerfile: Dockerfile) -> str:
    """Return how the file ends its lines."""
    return "\r\n" if "\r\n" in dockerfile.text else "\n"


def option(run: Run, call: Call, text: str) -> Edit:
    """Return the edit that gives a call one more option."""
    at = run.script.end_of(call.after.end)
    return Edit(at, at, f" {text}")


def command(dockerfile: Dockerfile, run: Run, text: str) -> Edit | None:
    """Return the edit that calls ``text`` after all else, if all went well.

    None: the shell text ends so that nothing can be put behind it.
    """
    script = run.script
    if run.instruction.heredocs:
        return _last_line(dockerfile, run, text)
    bare = script.text.rstrip()
    if not bare or bare.endswith((";", "&", "|")) or re.search(r"(?:^|\s)#", bare):
        return None
    at = script.end_of(len(bare))
    if run.instruction.first == run.instruction.last:
        return Edit(at, at, f" && {text}")
    start = dockerfile.text.rfind("\n", 0, at) + 1
    indent = _INDENT.match(dockerfile.text, start)
    gap = f" {dockerfile.escape}{line_end(dockerfile)}{indent[0] if indent else ''}"
    return Edit(at, at, f"{gap}&& {text}")


def _last_line(dockerfile: Dockerfile, run: Run, text: str) -> Edit | None:
    """In a here-document: a line of its own, where an error ends the script."""
    stops = any(
        one.program == "set" and any(w.text.startswith("-") and "e" in w.text for w in one.words)
        for one in run.commands[:1]
    )
    if not stops or not run.script.text.endswith("\n"):
        return None
    at = run.script.offsets[-1]
    return Edit(at, at, f"{text}{line_end(dockerfile)}")
