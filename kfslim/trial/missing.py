"""What an error says is missing: the names of modules, distributions and files in its text.

Libraries word this as they like.  A name too many does no harm (only what was taken out of an image
is looked up); one too few makes a repair search.  tests/unit/test_trial_missing.py has the real
messages that these patterns were made for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from kfslim.trial.model import Failure

_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.\-]*[A-Za-z0-9_]|[A-Za-z]"
_QUOTED = rf"""[`'"‘“]({_NAME})(?:\[[^\]]*\])?[`'"’”]"""
_EITHER = rf"""[`'"‘“]?({_NAME})(?:\[[^\]]*\])?[`'"’”]?"""
_THING = r"(?:optional )?(?:Python )?(?:package|library|module|dependency|distribution|extra)"

# Names of modules.
_MODULES = (
    rf"No module named {_EITHER}",
    rf"could not import module {_QUOTED}",
    rf"could not import {_QUOTED}",
    rf"module {_QUOTED} not found",
    rf"Can't load plugin: sqlalchemy\.dialects:(?:[\w]+\.)?({_NAME})",
    rf"Error importing plugin {_QUOTED}",
)
# "from x import y", and what a module lacks because a part of it is missing.
_PARTS = (
    rf"cannot import name {_QUOTED} from (?:partially initialized module )?{_QUOTED}",
    rf"module {_QUOTED} has no attribute {_QUOTED}",
)
# Names that may be of a module or of a distribution.
_NAMES = (
    rf"Missing optional dependency {_QUOTED}",
    rf"No package metadata was found for {_EITHER}",
    rf"PackageNotFoundError: {_EITHER}",
    rf"The {_QUOTED} distribution was not found",
    rf"The '({_NAME})[^']*' distribution was not found",
    rf"(?:pip3?|conda|mamba|poetry|uv) (?:install|add)(?: -\S+| conda-forge::?)* {_EITHER}",
    rf"{_EITHER} is not installed",
    rf"{_EITHER} (?:is|was|are) not (?:found|available)[,;.]? *(?:please )?install",
    rf"{_EITHER} not found,? please install",
    rf"{_EITHER} {_THING} (?:(?:is|was) )?"
    r"(?:not (?:installed|found|available)|missing|required|needed)",
    rf"{_EITHER} {_THING} (?:must|needs to|has to|should) be",
    rf"(?i:requires?|needs?) (?:that )?(?:the |an? )?{_EITHER} (?:{_THING} )?"
    r"(?:to be|is|be) installed",
    rf"(?i:requires?|needs?) (?:the )?(?:optional )?{_THING} {_EITHER}",
    rf"(?i:requires?|needs?|without) (?:the |an? )?{_EITHER} {_THING}",
    rf"(?i:requires) ({_NAME})\.",
    rf"(?i:without) {_EITHER} installed",
    rf"(?i:do you have) {_EITHER} installed",
    rf"`Import ({_NAME})` failed",
    rf"{_EITHER} (?:is|are) (?:required|needed|necessary) (?:for|to|by|in)\b",
    rf"(?i:install|import) (?:the )?{_QUOTED}",
    rf"(?i:please|first|must|need to|can) install (?:the )?{_EITHER}",
    rf"Install {_EITHER} to",
    rf"{_QUOTED} (?:must|needs to|has to|should) be installed",
    rf"using (?:the )?{_QUOTED} (?:engine|backend|parser|driver)",
    rf"unrecognized (?:engine|backend) {_QUOTED}",
    rf"(?:Unknown|Unrecognized|Invalid) (?:engine|backend|dialect|driver): {_EITHER}",
    rf"tree builder with the features you requested: {_EITHER}",
    rf"Can't find model {_QUOTED}",
    r"Protocol not known: ([a-z0-9+]+)",
    r"(?i:requires) [`'\"]?([A-Za-z0-9_.\-]+)[`'\"]? (?:version )?[`'\"]?(?:>=|or newer)",
    r"[Pp]andas requires version '[^']*' or newer of '([^']+)'",
)
# Lists of names: "'pyarrow', 'fastparquet'".
_LISTS = (
    r"usable engine; tried using: ([^.\n]+)",
    r"IO backends: \[([^\]]*)\]",
    r"requires? ((?:[\"'`][\w.\-]+[\"'`](?:,| and| or)? ?)+)(?: packages?)?(?:to be|must be)",
    r"(?:one of|any of|following)[^:\n\[]*[:\[] ?((?:[\"'`][\w.\-]+[\"'`],? ?)+)",
)
# Messages that name nothing, and the distribution that they mean.
_SAYINGS = {
    r"Missing dependencies for SOCKS support": ("pysocks",),
    r"No time zone found with key|ZoneInfoNotFoundError": ("tzdata",),
    r"UnknownTimeZoneError": ("pytz", "tzdata"),
    r"ORJSONResponse": ("orjson",),
    r"Form data requires": ("python-multipart",),
    r"the greenlet library is required": ("greenlet",),
    r"PyTorch library": ("torch",),
    r"TensorFlow library": ("tensorflow",),
    r"Flax library": ("flax",),
    r"SentencePiece library": ("sentencepiece",),
}
_FILES = (
    r"([\w./+\-]+\.so(?:\.[\w.]+)?): cannot open shared object file",
    r"\(([\w./+\-]+\.so(?:\.[\w.]+)?)\) could not be loaded",
    r"\[Errno 2\] No such file or directory: b?['\"]([^'\"\n]+)['\"]",
    r"[Nn]o such file or directory: b?['\"]([^'\"\n]+)['\"]",
    r"can't open file '([^'\n]+)'",
    r"[‘']([^’'\n]+)[’']: No such file or directory",
    r"(?:^|\s)(?:\S*sh: \d+: |\S+: line \d+: )([\w./+\-]+): (?:command )?not found",
    r"executable ['\"]?([\w./+\-]+)['\"]? (?:was )?not found",
    r"Resource [\x1b\[0-9;m]*['\"]?([\w./+\-]+)['\"]?[\x1b\[0-9;m]* not found",
)
_STOP = {"a", "an", "and", "it", "is", "of", "or", "the", "this", "that", "to", "with", "which"} | {
    *("python", "package", "packages", "library", "module", "dependency", "dependencies", "pip"),
    *("version", "optional", "following", "one", "you", "your", "value", "file", "argument"),
}


def missing(text: str, facts: str = "") -> Failure:
    """Return the names that ``text`` gives, in the order of its patterns; ``facts`` is said of it.

    Module names may be given as distributions too, and the other way round: libraries mix them.
    """
    modules = [*_found(_MODULES, text), *(".".join(pair) for pair in _pairs(text))]
    names = [*_found(_NAMES, text), *_listed(text)]
    meant = [
        name for saying, known in _SAYINGS.items() if re.search(saying, text) for name in known
    ]
    return Failure(
        text=facts,
        modules=_distinct([*modules, *names]),
        distributions=_distinct([*names, *meant]),
        files=tuple(dict.fromkeys(_found(_FILES, text))),
    )


def _found(patterns: Iterable[str], text: str) -> Iterator[str]:
    for pattern in patterns:
        yield from (match[1] for match in re.finditer(pattern, text, re.MULTILINE))


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield a module and what it lacks."""
    for match in re.finditer(_PARTS[0], text):
        yield match[2], match[1]
    for match in re.finditer(_PARTS[1], text):
        yield match[1], match[2]


def _listed(text: str) -> Iterator[str]:
    for names in _found(_LISTS, text):
        yield from re.findall(r"[A-Za-z][\w.\-]*", re.sub(r"\b(?:and|or)\b", " ", names))


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(n for n in names if n.lower() not in _STOP and not n.isdigit()))


def last_error(log: str) -> str:
    """Return the line of a log that says what ended it: the last traceback's, or the last one."""
    _, traced, rest = log.rpartition("Traceback (most recent call last):")
    lines = [line.strip() for line in rest.splitlines() if line.strip()]
    if traced:
        told = [line for line in rest.splitlines()[1:] if line.strip() and line[:1].strip()]
        return _short(told[0]) if told else ""
    return _short(lines[-1]) if lines else ""


def _short(line: str) -> str:
    return line if len(line) <= 300 else f"{line[:297]}..."
