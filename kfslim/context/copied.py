"""Which paths of its context a Dockerfile copies by name."""

from __future__ import annotations

import json
import posixpath
import re
import shlex

_CONTINUED = re.compile(r"\\[ \t]*\n(?:[ \t]*#[^\n]*\n)*")
_COPY = re.compile(r"^[ \t]*(?:COPY|ADD)[ \t]+(.+)$", re.IGNORECASE | re.MULTILINE)
_ELSEWHERE = ("--from=", "<<")  # of another stage or image; written in the Dockerfile itself


def copied_paths(dockerfile: str) -> frozenset[str]:
    """Return the sources of all ``COPY`` and ``ADD`` but the whole context, as POSIX paths.

    Of a source with a wildcard the folder before it counts; what cannot be read is passed over.
    """
    found: set[str] = set()
    for given in _COPY.findall(_CONTINUED.sub(" ", dockerfile)):
        found.update(map(_path, _sources(given.strip())))
    return frozenset(found - {"", "."})


def _sources(given: str) -> list[str]:
    words = given.split()
    if any(word.startswith(_ELSEWHERE) for word in words):
        return []
    while words and words[0].startswith("--"):
        given = given[len(words.pop(0)) :].strip()
    try:
        parts = json.loads(given) if given.startswith("[") else shlex.split(given)
    except ValueError:
        return []
    return [part for part in parts[:-1] if isinstance(part, str)]


def _path(source: str) -> str:
    fixed = re.split(r"[*?\[$]", source, maxsplit=1)[0]
    folder = fixed if fixed == source else posixpath.dirname(fixed)
    return posixpath.normpath(folder).strip("/") if folder else ""
