"""Requirement lists of the context, as far as rules need them: names, or nothing."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

_NAME = re.compile(r"([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)\s*(\[[^\]]*\])?")
_FOLLOWED = re.compile(r"(?:-r|--requirement)[ =]?\s*(\S+)")
Read = Callable[[str], "str | None"]
_DEPTH = 8


def plain_name(text: str) -> str:
    """Return the normalised name (PEP 503) that a requirement begins with, or an empty text."""
    match = _NAME.match(text)
    if not match or "/" in text.partition(" ")[0] or text.startswith("."):
        return ""
    return re.sub(r"[-_.]+", "-", match[1]).lower()


def lines_in(read: Read, file: str, depth: int = _DEPTH) -> tuple[str, ...] | None:
    """Return the requirement lines and options of a list and all that it includes.

    None: one of them cannot be read.
    """
    text = read(posixpath.normpath(file)) if depth else None
    if text is None:
        return None
    found: list[str] = []
    for raw in text.splitlines():
        line = re.sub(r"(^|\s+)#.*$", "", raw).strip().rstrip("\\").strip()
        follows = _FOLLOWED.match(line)
        if follows:
            inner = lines_in(read, posixpath.join(posixpath.dirname(file), follows[1]), depth - 1)
            if inner is None:
                return None
            found += inner
        elif line:
            found.append(line)
    return tuple(found)


def names_in(read: Read, file: str) -> tuple[str, ...]:
    """Return the names that a list declares; none where it cannot be read."""
    lines = lines_in(read, file) or ()
    names = (plain_name(line) for line in lines if not line.startswith("-"))
    return tuple(dict.fromkeys(filter(None, names)))


def files_in(read: Read, file: str, depth: int = _DEPTH) -> tuple[str, ...] | None:
    """Return a list and all lists that it includes; None: one of them cannot be read."""
    text = read(posixpath.normpath(file)) if depth else None
    if text is None:
        return None
    found = [posixpath.normpath(file)]
    for follows in filter(None, map(_FOLLOWED.match, map(str.strip, text.splitlines()))):
        inner = posixpath.join(posixpath.dirname(file), follows[1])
        more = files_in(read, inner, depth - 1)
        if more is None:
            return None
        found += more
    return tuple(dict.fromkeys(found))
