"""What the sources of a step use: read, never run.

>>> uses = read_uses([SourceText("step.py", "import pandas as pd\\npd.read_parquet('s3://b/x')")])
>>> [found.module for found in uses.imports], [call.name for call in uses.calls]
(['pandas'], ['pandas.read_parquet'])
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from kfslim.audit.model import Evidence, Problem
from kfslim.steps.sightings import HOLE, Attribute, Call, Import, ImportKind, Program, Text, Value
from kfslim.steps.source import read_source

__all__ = [
    "HOLE",
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


class SourceText(NamedTuple):
    """One source: ``first_line`` is the line of ``file`` at which ``text`` begins.

    ``file`` is a path with ``/``, relative to the tree it belongs to: it tells which modules are
    local.  A notebook is one SourceText for each cell of code, ``report.ipynb#3``.
    """

    file: str
    text: str
    first_line: int = 1


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
    """Read all ``texts``; what does not parse is a problem and a doubt, the rest is read."""
    imports: list[Import] = []
    for text in texts:
        facts = read_source(text.text)
        imports += [
            Import(module, text.file, line + text.first_line - 1)
            for module, line in facts.imports.items()
        ]
    return Uses(imports=tuple(imports))
