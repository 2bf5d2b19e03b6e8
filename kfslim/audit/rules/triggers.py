"""What makes a rule speak: calls, attributes, imports, URLs and strings.

A trigger finds hits in an :class:`Index` of what was seen.  A hit is ``sure`` when all of its
conditions are met; it is not when one hangs on a value that the source computes.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import NamedTuple, Protocol, TypeVar

from kfslim.audit.uses import HOLE, LOCAL, Attribute, Call, Import, Text, Uses, Value

_SAID: Mapping[Value, str] = {None: "left out", HOLE: "computed"}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):(?://|:)")
# Keywords that hold the path or URL of a call that was not given it first.
_FIRST = (
    "path", "io", "filepath_or_buffer", "path_or_buf", "path_or_buffer", "excel_writer", "fname",
    "filename", "filename_or_obj", "store", "uri", "url", "name_or_url", "con", "urlpath", "paths",
    "source", "broker", "file", "filepath", "root", "root_path", "tracking_uri", "name", "fs",
    "protocol", "target", "connection", "ignore_patterns",
)  # fmt: skip


class Hit(NamedTuple):
    """Where a trigger found something, what that was, and whether that is sure.

    ``method`` is the name of one that was looked for on anything (``plot`` for ``.plot``), ``on``
    how it was written (``.plot``, ``ray.remote``); empty where a name or a keyword tells more.
    """

    what: str
    file: str
    line: int
    sure: bool = True
    method: str = ""
    on: str = ""


class Index:
    """What was seen, by the last part of its name."""

    def __init__(self, uses: Uses) -> None:
        self.calls: Mapping[str, list[Call]] = _by(uses.calls)
        self.attributes: Mapping[str, list[Attribute]] = _by(uses.attributes)
        self.open = [taken for taken in uses.attributes if HOLE in taken.name]
        self.texts: Mapping[str, list[Text]] = defaultdict(list)
        self.schemes: Mapping[str, list[Text]] = defaultdict(list)
        self.imports: Mapping[str, list[Import]] = defaultdict(list)  # by top-level module
        for found in uses.imports:
            if found.kind != "typing":
                self.imports[found.module.partition(".")[0]].append(found)
        for text in uses.texts:
            self.texts[text.value].append(text)
            for scheme in _SCHEME.findall(text.value):
                self.schemes[scheme.lower()].append(text)


_Named = TypeVar("_Named", Call, Attribute)


def _by(named: Iterable[_Named]) -> Mapping[str, list[_Named]]:
    found: dict[str, list[_Named]] = defaultdict(list)
    for one in named:
        found[one.name.rpartition(".")[2]].append(one)
    return found


class Trigger(Protocol):
    """Something to look for."""

    def hits(self, index: Index) -> Iterator[Hit]:
        """Yield where it is."""
        ...  # pragma: no cover

    def text(self) -> str:
        """Say it in Markdown."""
        ...  # pragma: no cover


class Calls(NamedTuple):
    """Calls of ``names``: ``pandas.read_html`` (also by a longer way), ``.to_html`` of anything.

    ``given`` are keywords with the values of which one must be given (``None``: left out, too);
    ``places`` are their positions, where they may be given without a name.  ``first`` are
    what the first argument may begin with, when they end in ``:`` or ``/``, or end with.
    """

    names: tuple[str, ...]
    given: tuple[tuple[str, tuple[Value, ...]], ...] = ()
    places: tuple[tuple[str, int], ...] = ()
    first: tuple[str, ...] = ()

    def hits(self, index: Index) -> Iterator[Hit]:
        """Yield calls, and functions that are handed on without being called here."""
        for name in self.names:
            last = name.rpartition(".")[2]
            for call in index.calls.get(last, ()):
                if _is(call.name, name) and (judged := self._judge(call)) is not None:
                    what = f"calls {call.name}"
                    yield Hit(what, call.file, call.line, judged, *self._method(name, call.name))
            for taken in index.attributes.get(last, ()):
                if _is(taken.name, name):
                    sure, what = not (self.given or self.first), f"takes {taken.name}"
                    yield Hit(what, taken.file, taken.line, sure, *self._method(name, taken.name))
            for some in index.open if name[0] != "." else ():
                if fnmatchcase(name, some.name.replace(HOLE, "*")):
                    yield Hit(f"takes {some.name}", some.file, some.line, False)

    def _method(self, wanted: str, name: str) -> tuple[str, str]:
        told = any(keyword != "format" for keyword, _ in self.given)
        return ("", "") if told or wanted[0] != "." else (wanted[1:], name)

    def _judge(self, call: Call) -> bool | None:
        """Tell whether the conditions are met; None where they surely are not."""
        places = dict(self.places)
        verdicts = [
            _is_given(call, name, places.get(name))
            if not wanted
            else _is_one_of(_argument(call, name, places.get(name)), wanted)
            for name, wanted in self.given
        ]
        if self.first:
            verdicts.append(_fits(_first(call), self.first))
        return None if False in verdicts else None not in verdicts

    def text(self) -> str:
        """Say it in Markdown."""
        said = ", ".join(f"`{name}`" for name in self.names)
        for name, wanted in self.given:
            values = [_SAID.get(value, f"`{value}`") for value in wanted]
            said += f" with `{name}` {' or '.join(values)}" if wanted else f" with `{name}`"
        return said + (f" on {_codes(self.first)}" if self.first else "")


class Takes(NamedTuple):
    """Attributes that are taken, or called: ``.style``."""

    names: tuple[str, ...]

    def hits(self, index: Index) -> Iterator[Hit]:
        """Yield the first of each name and file."""
        return Calls(self.names).hits(index)

    def text(self) -> str:
        """Say it in Markdown."""
        return _codes(self.names)


class Imports(NamedTuple):
    """Imports of one of ``modules``, or of something inside of it."""

    modules: tuple[str, ...]

    def hits(self, index: Index) -> Iterator[Hit]:
        """Yield imports at run time, of every kind."""
        for module in self.modules:
            for found in index.imports.get(module.partition(".")[0], ()):
                if _is_inside(found.module, module):
                    yield _imported(found)

    def text(self) -> str:
        """Say it in Markdown."""
        return f"import of {_codes(self.modules)}"


class Urls(NamedTuple):
    """Strings with a URL of one of ``schemes``; ``sure`` where that says enough by itself."""

    schemes: tuple[str, ...]
    sure: bool = True

    def hits(self, index: Index) -> Iterator[Hit]:
        """Yield strings."""
        for scheme in self.schemes:
            for text in index.schemes.get(scheme, ()):
                yield Hit(f"has a URL {scheme}:", text.file, text.line, self.sure)

    def text(self) -> str:
        """Say it in Markdown."""
        return "URL " + _codes(tuple(f"{scheme}:" for scheme in self.schemes))


class Says(NamedTuple):
    """Strings that are one of ``values``."""

    values: tuple[str, ...]
    sure: bool = True

    def hits(self, index: Index) -> Iterator[Hit]:
        """Yield strings."""
        for value in self.values:
            for text in index.texts.get(value, ()):
                yield Hit(f"says {value!r}", text.file, text.line, self.sure)

    def text(self) -> str:
        """Say it in Markdown."""
        return "the string " + _codes(self.values)


class Both(NamedTuple):
    """``one`` where ``other`` is somewhere, too."""

    one: Trigger
    other: Trigger

    def hits(self, index: Index) -> Iterator[Hit]:
        """Yield the hits of ``one``, sure when some hit of ``other`` is."""
        others = list(self.other.hits(index))
        sure = any(hit.sure for hit in others)
        for hit in self.one.hits(index) if others else ():
            yield hit._replace(sure=hit.sure and sure)

    def text(self) -> str:
        """Say it in Markdown."""
        return f"{self.one.text()} together with {self.other.text()}"


class Surely(NamedTuple):
    """``one`` where it is sure."""

    one: Trigger

    def hits(self, index: Index) -> Iterator[Hit]:
        """Yield the sure hits of ``one``."""
        return (hit for hit in self.one.hits(index) if hit.sure)

    def text(self) -> str:
        """Say it in Markdown."""
        return self.one.text()


class Unless(NamedTuple):
    """``one`` where no ``other`` is surely anywhere."""

    one: Trigger
    other: Trigger

    def hits(self, index: Index) -> Iterator[Hit]:
        """Yield the hits of ``one``."""
        if not any(hit.sure for hit in self.other.hits(index)):
            yield from self.one.hits(index)

    def text(self) -> str:
        """Say it in Markdown."""
        return f"{self.one.text()} without {self.other.text()}"


def _codes(values: tuple[str, ...]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _imported(found: Import) -> Hit:
    return Hit(f"imports {found.module}", found.file, found.line, found.kind == "plain")


def _is_inside(module: str, outer: str) -> bool:
    return module == outer or module.startswith(f"{outer}.")


@lru_cache(1 << 14)  # many rules ask about the same few names of many calls
def _is(name: str, wanted: str) -> bool:
    """Tell whether ``wanted`` is ``name`` or a shorter way to it; ``.x`` is anything's."""
    if wanted[0] == ".":
        return "." in name
    parts = iter(name.split("."))
    return name.partition(".")[0] == wanted.partition(".")[0] and all(
        part in parts for part in wanted.split(".")
    )


def _argument(call: Call, name: str, place: int | None) -> Value:
    value = call.keyword(name)
    if value in (None, HOLE) and place is not None and place < len(call.arguments):
        return call.arguments[place]
    return value


def _first(call: Call) -> Value:
    if call.arguments:
        return call.arguments[0]
    given = dict(call.keywords)
    return next((given[name] for name in _FIRST if name in given), HOLE if "**" in given else None)


def _is_given(call: Call, name: str, place: int | None) -> bool | None:
    """Tell whether any value but None and False is given."""
    value = _argument(call, name, place)
    by_place = place is not None and place < len(call.arguments)
    if value == HOLE and not by_place and name not in dict(call.keywords):
        return None  # **options may hold it
    return value not in (None, False, LOCAL)


def _is_one_of(value: Value, wanted: tuple[Value, ...]) -> bool | None:
    """Tell whether the value is one of ``wanted``; None where it cannot be told."""
    if isinstance(value, str) and HOLE in value:
        shape = ".*".join(map(re.escape, value.split(HOLE)))
        return None if any(re.fullmatch(shape, str(one)) for one in wanted) else False
    # A list of strings is one string, with commas.
    values = [value, *value.split(",")] if isinstance(value, str) else [value]
    return any(
        one == other and isinstance(one, bool) == isinstance(other, bool)
        for one in values
        for other in wanted
    )


def _fits(value: Value, wanted: tuple[str, ...]) -> bool | None:
    """Compare the beginning or the end; None where just that is not known."""
    text = str(value).partition("?")[0].lower()
    for one in wanted:
        if text.startswith(one) if one.endswith((":", "/")) else text.endswith(one):
            return True
    begins = any(one.endswith((":", "/")) for one in wanted)
    ends = not all(one.endswith((":", "/")) for one in wanted)
    unknown = (begins and text.startswith(HOLE)) or (ends and text.endswith(HOLE))
    return None if unknown else False


def calls(*names: str, first: tuple[str, ...] = (), at: str = "", **given: object) -> Calls:
    """Write :class:`Calls` shortly: ``calls(".to_parquet", engine=("auto", None))``.

    ``at`` are positions: ``at="engine=1 compression=2"``.
    """
    conditions = tuple(
        (name.rstrip("_"), tuple(value) if isinstance(value, tuple) else (value,))
        for name, value in given.items()
    )
    pairs = (pair.split("=") for pair in at.split())
    return Calls(names, conditions, tuple((name, int(place)) for name, place in pairs), first)


def takes(*names: str) -> Takes:
    """Write :class:`Takes` shortly."""
    return Takes(names)


def imports(*modules: str) -> Imports:
    """Write :class:`Imports` shortly."""
    return Imports(modules)


def urls(*schemes: str, sure: bool = True) -> Urls:
    """Write :class:`Urls` shortly."""
    return Urls(schemes, sure)


def says(*values: str, sure: bool = True) -> Says:
    """Write :class:`Says` shortly."""
    return Says(values, sure)
