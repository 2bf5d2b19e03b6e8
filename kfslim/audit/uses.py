"""What the sources of a step use: read, never run.

>>> uses = read_uses([SourceText("step.py", "import pandas as pd\\npd.read_parquet('s3://b/x')")])
>>> [found.module for found in uses.imports], [call.name for call in uses.calls]
(['pandas'], ['pandas.read_parquet'])
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from kfslim.audit.model import Evidence, Problem
from kfslim.steps.localmodules import LocalModules
from kfslim.steps.reader import Sightings, read_together
from kfslim.steps.sightings import (
    BROKEN,
    HOLE,
    LOCAL,
    Attribute,
    Call,
    Doubt,
    Import,
    ImportKind,
    Program,
    SourceText,
    Text,
    Value,
)

__all__ = [
    "HOLE",
    "LOCAL",
    "Attribute",
    "Call",
    "Import",
    "ImportKind",
    "Program",
    "SourceText",
    "Text",
    "Uses",
    "Value",
    "read_uses",
]


class Uses(NamedTuple):
    """All that some sources use, in the order of files and lines.

    ``imports`` are without relative ones and those that the sources surely answer themselves.
    ``local`` are top-level modules that the sources are: an import of one that no distribution
    owns is no riddle; one that a distribution owns, too, still counts as a use of it.
    ``doubts`` (kind "doubt") are reasons why more may be used than is listed here.
    """

    imports: tuple[Import, ...] = ()
    calls: tuple[Call, ...] = ()
    texts: tuple[Text, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    programs: tuple[Program, ...] = ()
    doubts: tuple[Evidence, ...] = ()
    problems: tuple[Problem, ...] = ()
    local: frozenset[str] = frozenset()


def read_uses(texts: Iterable[SourceText]) -> Uses:
    """Read all ``texts``; what does not parse is a problem and a doubt, the rest is read.

    Their ``file`` names tell which modules are local; the cells of one notebook share their names.
    """
    sources = list(texts)
    modules = LocalModules(source.file for source in sources)
    readable = [source for source in sources if not source.problem]
    groups = groupby(readable, key=lambda source: source.file.partition(".ipynb#")[0])
    seen = [read_together(group) for _, group in groups]
    problems = [_unread(source) for source in sources if source.problem]
    problems += [Problem(file=file, line=line, text=text) for file, line, text in _broken(seen)]
    return Uses(
        imports=tuple(
            found
            for one in seen
            for found in one.imports
            if not modules.answer(found.module, found.file)
        ),
        calls=tuple(call for one in seen for call in one.calls),
        texts=tuple(text for one in seen for text in one.texts),
        attributes=tuple(taken for one in seen for taken in one.attributes),
        programs=tuple(program for one in seen for program in one.programs),
        doubts=(*_doubts(seen), *map(_hides, problems)),
        problems=tuple(problems),
        local=modules.names.union(*(one.local for one in seen)),
    )


def _broken(seen: list[Sightings]) -> list[tuple[str, int, str]]:
    return [one.problem for one in seen if one.problem is not None]


def _unread(source: SourceText) -> Problem:
    return Problem(file=source.file, line=source.first_line, text=source.problem)


def _doubts(seen: list[Sightings]) -> list[Evidence]:
    doubts = [doubt for one in seen for doubt in one.doubts if _hides_more(doubt)]
    return [
        Evidence(kind="doubt", text=doubt.text, file=doubt.file, line=doubt.line)
        for doubt in doubts
    ]


def _hides_more(doubt: Doubt) -> bool:
    """What a source pickled itself, it had the classes of; broken text is told as a problem."""
    return not doubt.own and doubt.text != BROKEN


def _hides(problem: Problem) -> Evidence:
    return Evidence(kind="doubt", text=problem.text, file=problem.file, line=problem.line)
