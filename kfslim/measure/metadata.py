"""The files that describe an installed distribution, parsed.

Formats: PyPA "Recording installed projects" (dist-info, RECORD), "Core metadata", "Entry points",
PEP 610 (direct_url.json), and setuptools' egg-info with its requires.txt.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from packaging.utils import canonicalize_name

Source = Literal["index", "local", "url"]
_SUFFIXES = (".py", ".so", ".pyd", ".pyc")


class Metadata(NamedTuple):
    """Name (normalised), version, and Requires-Dist lines."""

    name: str
    version: str
    requires: tuple[str, ...]


def parse_metadata(text: str) -> Metadata:
    """Read the headers of METADATA or PKG-INFO; fields that are missing are ""."""
    name = version = ""
    requires = []
    for key, value in _headers(text):
        if key == "name":
            name = name or str(canonicalize_name(value))
        elif key == "version":
            version = version or value
        elif key == "requires-dist":
            requires.append(value)
    return Metadata(name, version, tuple(requires))


def _headers(text: str) -> Iterator[tuple[str, str]]:
    """Yield the headers of an RFC 822 text, up to its body; continued lines are joined."""
    key, value = "", ""
    for line in text.splitlines():
        if not line.strip():
            break
        if line[0] in " \t":
            value = f"{value} {line.strip()}"
            continue
        if key:
            yield key, value
        key, _, value = line.partition(":")
        key, value = key.strip().lower(), value.strip()
    if key:
        yield key, value


def parse_record(text: str) -> list[str]:
    """Return the paths of a RECORD, relative to the site directory (or absolute)."""
    try:
        return [row[0] for row in csv.reader(text.splitlines()) if row and row[0]]
    except csv.Error:
        return [line.partition(",")[0] for line in text.splitlines() if line]


def parse_requires_txt(text: str) -> tuple[str, ...]:
    """Turn egg-info's requires.txt, with ``[extra:marker]`` sections, into Requires-Dist lines."""
    lines, condition = [], ""
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("[") and line.endswith("]"):
            condition = _condition(line[1:-1])
        elif line and condition:
            lines.append(f"{line} ; {condition}" if ";" not in line else f"{line} and {condition}")
        elif line:
            lines.append(line)
    return tuple(lines)


def _condition(section: str) -> str:
    extra, _, marker = section.partition(":")
    parts = [f"({marker})"] if marker else []
    parts += [f'extra == "{extra}"'] if extra else []
    return " and ".join(parts)


def parse_entry_points(text: str) -> tuple[str, ...]:
    """Return ``group:name`` of every entry point, sorted."""
    found, group = set(), ""
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("[") and line.endswith("]"):
            group = line[1:-1].strip()
        elif group and "=" in line and line[0] not in "#;":
            found.add(f"{group}:{line.partition('=')[0].strip()}")
    return tuple(sorted(found))


def parse_direct_url(text: str) -> Source:
    """Return where a distribution came from, by its direct_url.json; "" means an index."""
    try:
        value = json.loads(text) if text else {}
    except ValueError:
        return "index"
    if not isinstance(value, dict) or "url" not in value:
        return "index"
    return "local" if str(value["url"]).startswith("file:") else "url"


class Modules(NamedTuple):
    """Import names: top-level ones, and dotted portions of namespace packages."""

    imports: tuple[str, ...]
    portions: tuple[str, ...]


def modules_of(paths: Iterable[str]) -> Modules:
    """Return the import names of a distribution's files (paths relative to the site directory).

    A top-level folder without ``__init__`` is a namespace package (PEP 420); what the distribution
    owns of it are the packages and modules below.
    """
    parts = [p for path in paths if (p := _module_parts(path))]
    packages = {tuple(p[:-1]) for p in parts if p[-1] == "__init__"}
    imports, portions = set(), set()
    for names in parts:
        imports.add(names[0])
        if len(names) > 1 and (names[0],) not in packages:
            portions.add(".".join(_portion(names, packages)))
    return Modules(tuple(sorted(imports)), tuple(sorted(portions)))


def _portion(names: list[str], packages: set[tuple[str, ...]]) -> list[str]:
    for depth in range(2, len(names)):
        if tuple(names[:depth]) in packages:
            return names[:depth]
    return names


def _module_parts(path: str) -> list[str] | None:
    """Split the path of a module into names; None for what cannot be imported."""
    if not path.endswith(_SUFFIXES) or "__pycache__" in path or path.startswith(("../", "/")):
        return None
    *folders, name = path.split("/")
    names = [*folders, name.partition(".")[0]]
    return names if all(part.isidentifier() for part in names) else None
