"""Reading requirements files: the part of pip's format that says which distributions are wanted.

Format: pip's "Requirements File Format".  ``-r`` and ``-c`` are followed; ``--hash`` is ignored
(the lock takes its hashes from the index); index options are returned for the caller to map.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kfslim.errors import BadRequirement, InputError
from kfslim.steps.requirements import RequirementLine, parse_requirement

_IGNORED = {
    "--no-binary", "--only-binary", "--prefer-binary", "--require-hashes", "--use-feature",
    "--no-index", "--trusted-host", "--use-pep517",
}  # fmt: skip
_COMMENT = re.compile(r"(^|\s+)#.*$")
_HASH = re.compile(r"\s+--(hash|config-settings?)[= ]\S+")


@dataclass
class RequirementsFile:
    """What a file and all that it includes say; ``index_urls`` as written, the main one first."""

    requirements: list[RequirementLine] = field(default_factory=list)
    constraints: list[RequirementLine] = field(default_factory=list)
    index_urls: list[str] = field(default_factory=list)
    extra_index_urls: list[str] = field(default_factory=list)


def read_requirements(path: Path) -> tuple[RequirementLine, ...]:
    """Return the requirements that a file and its ``-r`` includes list, in order.

    Raises:
        InputError: the file, or one that it includes, cannot be read.
        BadRequirement: a line that is none, or an editable, path or URL requirement.
    """
    return tuple(read_requirements_file(path).requirements)


def read_requirements_file(path: Path) -> RequirementsFile:
    """Return everything that a requirements file says.  Raises as :func:`read_requirements`."""
    found = RequirementsFile()
    _read(path, found, constraints=False, seen=())
    return found


def _read(
    path: Path, found: RequirementsFile, *, constraints: bool, seen: tuple[Path, ...]
) -> None:
    if path in seen:
        raise BadRequirement(f"{path} includes itself")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise InputError(f"requirements file {path}: {reason}") from error
    for number, line in _logical_lines(text):
        where = RequirementLine(line, f"{path}:{number}")
        if line.startswith("-"):
            _option(where, path, found, constraints=constraints, seen=(*seen, path))
            continue
        entry = RequirementLine(_HASH.sub("", line).strip(), where.where)
        parse_requirement(entry)
        (found.constraints if constraints else found.requirements).append(entry)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield (number of the first line, text) with continuations joined and comments removed."""
    start, parts = 0, ""
    for number, raw in enumerate(text.splitlines(), 1):
        start = start or number
        if raw.endswith("\\") and not raw.lstrip().startswith("#"):
            parts += raw[:-1] + " "
            continue
        line = _COMMENT.sub("", parts + raw).strip()
        if line:
            yield start, line
        start, parts = 0, ""
    if parts.strip():
        yield start, _COMMENT.sub("", parts).strip()


def _option(
    line: RequirementLine,
    path: Path,
    found: RequirementsFile,
    *,
    constraints: bool,
    seen: tuple[Path, ...],
) -> None:
    name, value = _split_option(line)
    if name in ("-r", "--requirement"):
        _read(path.parent / value, found, constraints=constraints, seen=seen)
    elif name in ("-c", "--constraint"):
        _read(path.parent / value, found, constraints=True, seen=seen)
    elif name in ("-i", "--index-url"):
        found.index_urls.append(value)
    elif name == "--extra-index-url":
        found.extra_index_urls.append(value)
    elif name not in _IGNORED:
        what = "an editable install" if name in ("-e", "--editable") else f"the option {name}"
        raise BadRequirement(
            f"{line.place}{what} is not supported in a requirements file",
            hint="Name the distribution; the project's own folders go under `projects`.",
        )


def _split_option(line: RequirementLine) -> tuple[str, str]:
    try:
        words = shlex.split(line.text)
    except ValueError as error:
        raise BadRequirement(f"{line.place}a quotation does not end") from error
    name, _, value = words[0].partition("=")
    if name[:2] in ("-r", "-c", "-i") and len(name) > 2 and not name.startswith("--"):
        name, value = name[:2], name[2:]  # -rother.txt
    return name, value or " ".join(words[1:])
