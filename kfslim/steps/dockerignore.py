"""``.dockerignore`` the way Docker reads it.

The rules are those of the Dockerfile reference (".dockerignore file") and of moby/patternmatcher:
patterns start at the folder's root, match a path or any folder above it, know ``*``, ``?``, ``[…]``
and ``**``; ``!`` makes an exception; the last line that matches wins.  They are not git's: in git
``*`` followed by ``!src`` keeps nothing below ``src``.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from kfslim.errors import BadConfig

_TOKEN = re.compile(r"\*\*/?|\*|\?|\[\^?[^\]]+\]|\\.|.", re.DOTALL)


class DockerIgnore:
    """The patterns of one ``.dockerignore``.

    Raises:
        BadConfig: a pattern that is malformed.
    """

    def __init__(self, text: str) -> None:
        self._rules = list(_rules(text))

    def ignores(self, path: str) -> bool:
        """Say whether a file, by its POSIX path from the folder, stays out."""
        ignored = False
        for negated, pattern in self._rules:
            if ignored is negated and pattern.fullmatch(path):
                ignored = not negated
        return ignored


def _rules(text: str) -> Iterator[tuple[bool, re.Pattern[str]]]:
    for line in text.splitlines():
        written = "" if line.startswith("#") else line.strip()
        negated = written.startswith("!")
        pattern = written.removeprefix("!").strip()
        pattern = posixpath.normpath(pattern).lstrip("/") if pattern else ""
        if pattern not in ("", "."):
            yield negated, _compile(pattern)


def _compile(pattern: str) -> re.Pattern[str]:
    body = "".join(map(_translate, _TOKEN.findall(pattern)))
    try:
        return re.compile(f"{body}(?:/.*)?", re.DOTALL)
    except re.error as error:
        raise BadConfig(f".dockerignore: {pattern!r} is no pattern: {error}") from error


def _translate(token: str) -> str:
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if token in known:
        return known[token]
    return token if len(token) > 2 and token.startswith("[") else re.escape(token[-1])
