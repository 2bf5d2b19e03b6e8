"""What was seen in Python sources: imports, calls, names in strings, programs.

A string that is only partly known holds ``{}`` where the rest is: ``f"s3://{b}/x.csv"`` is
``s3://{}/x.csv``, a wholly computed value ``{}``.  A list of constants is one string with commas.
Lines count from 1.  ``file`` is as the reader was told; a notebook's third cell is
``report.ipynb#3``.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

ImportKind = Literal[
    "plain",
    "optional",  # guarded: try … except ImportError, suppress(ImportError), find_spec
    "typing",  # if TYPE_CHECKING
    "dynamic",  # import_module("…"), __import__("…"), python -m …, a mock's target
]
Value = str | int | float | bool | None
HOLE = "{}"  # what is not known of a value
LOCAL = "/{}"  # a path of which is known that it is no URL
BROKEN = "what cannot be parsed"  # the doubt about such text


class SourceText(NamedTuple):
    """One source: ``text`` begins at ``first_line`` of ``file``.

    ``file`` is a path with ``/``, relative to the tree that it belongs to.  A notebook is one
    SourceText for each cell of code.  ``problem`` says why there is no text.
    """

    file: str
    text: str
    first_line: int = 1
    problem: str = ""


class Import(NamedTuple):
    """One import.

    ``from x import a`` is two: ``x``, and ``x.a``, which may be a module or only a name in it.
    ``instead_of`` are modules whose missing leads here: ``except ImportError: import …``.
    """

    module: str
    file: str
    line: int
    kind: ImportKind = "plain"
    instead_of: tuple[str, ...] = ()


class Call(NamedTuple):
    """One call, aliases resolved: ``pd.read_csv`` is ``pandas.read_csv``.

    A method of an object nobody knows is ``.to_parquet``.  Arguments are constants; ``{}`` where
    they are not.  ``**options`` is the keyword ``**``.
    """

    name: str
    file: str
    line: int
    arguments: tuple[Value, ...] = ()
    keywords: tuple[tuple[str, Value], ...] = ()

    def keyword(self, name: str) -> Value:
        """Return the keyword's value: ``None`` when left out, ``{}`` when it cannot be told."""
        given = dict(self.keywords)
        return given.get(name, HOLE if "**" in given else None)


class Text(NamedTuple):
    """A string that may name something: a word, a dotted name, a URL, a path, a config value."""

    value: str
    file: str
    line: int


class Attribute(NamedTuple):
    """A name that is taken of something and not called there: ``.style``, ``pandas.read_csv``."""

    name: str
    file: str
    line: int


class Program(NamedTuple):
    """A program that is started; ``name`` is ``{}`` where the command is computed."""

    name: str
    file: str
    line: int


class Doubt(NamedTuple):
    """Something that hides what is needed: unpickling, computed imports, broken text.

    ``own`` is True where the source itself pickled what it unpickles.
    """

    text: str
    file: str
    line: int
    own: bool = False
