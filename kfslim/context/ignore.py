"""``.dockerignore`` the way Docker reads it.

The rules are those of moby/patternmatcher, which the classic builder's client and BuildKit share:
patterns start at the context's root and know ``*``, ``?``, ``[…]``, ``\\`` and ``**``; one that
matches a folder is of everything below it; ``!`` makes an exception; the last line that matches
wins.  They are not git's: in git ``*`` followed by ``!src`` keeps nothing below ``src``.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from kfslim.context.model import Dialect
from kfslim.errors import BadConfig

Above = tuple[bool, ...]  # which rules a folder matches: what is in it need not be asked again

_WILD = frozenset("*?[]\\")
_TOKEN = re.compile(r"\*\*/?|\*|\?|\\.|.", re.DOTALL)
_CHARACTER = r"(?:\\.|[^\\\]-])"  # of a class, as Go's filepath.Match has it
_WELL_FORMED = re.compile(
    rf"(?:[^\\\[]|\\.|\[\^?(?:{_CHARACTER}(?:-{_CHARACTER})?)+\])*", re.DOTALL
)
_CLASS = re.compile(r"\\.|\[|\]|[^\\\[\]]+", re.DOTALL)


class Rule(NamedTuple):
    """One line: an exception or not, the pattern in its shortest form, and what it matches."""

    negated: bool
    pattern: str
    matches: Callable[[str], object]


class DockerIgnore:
    """The patterns of one ``.dockerignore``.

    Raises:
        BadConfig: a pattern that is malformed.
    """

    def __init__(self, text: str = "") -> None:
        self._rules = tuple(_rules(text))
        self._folders: dict[str, Above] = {}

    def but(self, path: str) -> DockerIgnore:
        """Return the same patterns with an exception for ``path`` at the end."""
        more = DockerIgnore(f"!{escaped(path)}")
        more._rules = (*self._rules, *more._rules)
        return more

    def match(self, path: str, above: Above = ()) -> tuple[bool, Above]:
        """Say whether a path is ignored, by itself and by what its folder matches (``above``)."""
        ignored = False
        hits = []
        for number, rule in enumerate(self._rules):
            hit = bool(above) and above[number]
            if not hit and rule.negated is ignored:
                hit = bool(rule.matches(path))
            if hit:
                ignored = not rule.negated
            hits.append(hit)
        return ignored, tuple(hits)

    def ignores(self, path: str) -> bool:
        """Say whether a file or folder, by its POSIX path from the root, stays out."""
        return self.match(path, self._above(posixpath.dirname(path)))[0]

    def excepts(self, path: str) -> bool:
        """Say whether an exception names this very path."""
        return any(rule.negated and rule.pattern == path for rule in self._rules)

    def enters(self, folder: str, dialect: Dialect) -> bool:
        """Say whether the builder looks for exceptions in a folder that is ignored.

        The classic builder takes exceptions by their first letters, so that one which begins with a
        wildcard opens no folder.  BuildKit then looks everywhere.
        """
        shortened = [_without_glob(rule.pattern) for rule in self._rules if rule.negated]
        if dialect == "buildkit" and any(map(_is_wild, shortened)):
            return True
        exceptions = (rule.pattern for rule in self._rules if rule.negated)
        return any(f"{pattern}/".startswith(f"{folder}/") for pattern in exceptions)

    def _above(self, folder: str) -> Above:
        above: Above = ()
        path = ""
        for part in folder.split("/") if folder else ():
            path = f"{path}/{part}" if path else part
            if path not in self._folders:
                self._folders[path] = self.match(path, above)[1]
            above = self._folders[path]
        return above


def escaped(path: str) -> str:
    """Return the pattern that matches this one path.

    What a line cannot hold (a line's end, spaces at its ends, bytes that are no UTF-8) becomes
    ``?``, which matches any character.
    """
    text = re.sub(r"([*?\[\]\\]|^[#!])", r"\\\1", path)
    return re.sub(r"[\0-\x1f\x7f-\x9f\ud800-\udfff]|^\s|\s$", "?", text)


def _rules(text: str) -> Iterator[Rule]:
    for line in text.removeprefix("\ufeff").split("\n"):
        cleaned = "" if line.startswith("#") else _cleaned(line.strip())
        pattern = cleaned.removeprefix("!")
        if cleaned and not pattern:
            raise BadConfig(
                f".dockerignore: {line.strip()!r} makes no exception: no pattern follows"
            )
        if pattern:
            yield Rule(cleaned != pattern, pattern, _matcher(pattern))


def _cleaned(written: str) -> str:
    """Return a pattern in its shortest form, with its ``!``.

    Docker cleans it twice, the second time with the ``!``: so ``/!a`` is an exception.
    """
    mark = written[: written.startswith("!")]
    pattern = written.removeprefix("!").strip()
    pattern = posixpath.normpath(pattern).lstrip("/") if pattern else ""
    return posixpath.normpath(f"{mark}{pattern}") if mark or pattern else ""


def _matcher(pattern: str) -> Callable[[str], object]:
    """Return the test for a pattern; ``**`` at its start or end alone compares letters."""
    head, stars, tail = pattern.partition("**")
    if not stars and not _is_wild(head):
        return pattern.__eq__
    if stars and not head and not _is_wild(tail):
        bare = tail.removeprefix("/")
        return lambda path: path.endswith(tail) or path == bare
    if stars and not tail and not _is_wild(head):
        return lambda path: path.startswith(head)
    return _regex(pattern).fullmatch


def _is_wild(pattern: str) -> bool:
    return not _WILD.isdisjoint(pattern)


def _without_glob(pattern: str) -> str:
    return pattern.removesuffix("/**").removesuffix("/*")


def _regex(pattern: str) -> re.Pattern[str]:
    *tokens, last = _TOKEN.findall(pattern)
    end = ".*" if last == "**" else _translate(last)
    body = "".join([*map(_translate, tokens), end])
    try:
        if not _WELL_FORMED.fullmatch(pattern):
            raise re.error("unfinished [ or \\")
        return re.compile(_flat_classes(body), re.ASCII)
    except re.error as error:
        raise BadConfig(f".dockerignore: {pattern!r} is no pattern: {error}") from error


def _translate(token: str) -> str:
    if token.startswith("**"):
        return "(?:.*/)?"
    if token in (".", "+", "(", ")", "|", "{", "}", "$"):
        return f"\\{token}"
    return {"*": "[^/]*", "?": "[^/]"}.get(token, token)


def _flat_classes(regex: str) -> str:
    """Escape ``[`` inside of ``[…]``: a letter there for Go, but a nested set for Python."""
    inside, parts = False, []
    for part in _CLASS.findall(regex):
        parts.append("\\[" if inside and part == "[" else part)
        inside = part == "[" or (inside and part != "]")
    return "".join(parts)
