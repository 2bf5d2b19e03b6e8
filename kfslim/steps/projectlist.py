"""What a pyproject.toml declares, each line with its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from kfslim.errors import BadConfig, InputError
from kfslim.steps.groups import read_group
from kfslim.steps.requirements import RequirementLine, parse_requirement
from kfslim.steps.tomlfile import read_toml
from kfslim.steps.tomlstrings import TomlString, toml_strings


def declares(path: Path) -> bool:
    """Tell whether ``path`` has ``[project] dependencies``.

    Raises:
        BadConfig: it cannot be read, or is not TOML.
    """
    return bool(read_toml(path).get("project", {}).get("dependencies"))


def read_project_list(path: Path, groups: Sequence[str] = ()) -> tuple[RequirementLine, ...]:
    """Return ``[project] dependencies`` of ``path``, then those of ``groups``.

    A group is one of ``[dependency-groups]`` (PEP 735), else an extra of the project.

    Raises:
        BadConfig: the file cannot be read or is not TOML, or there is no such group.
        BadRequirement: a line is no requirement by name.
        InputError: the file declares nothing.
    """
    tables = read_toml(path)
    project = tables.get("project", {})
    texts = [*_strings(project.get("dependencies", []), path)]
    for group in groups:
        texts += _group(tables, group, path)
    if not texts:
        raise InputError(
            f"{path} declares no dependencies",
            hint="kfslim reads [project] dependencies; --group NAME adds a group or an extra.",
        )
    lines = _placed(texts, path)
    for line in lines:
        parse_requirement(line)
    return lines


def _group(tables: Mapping[str, Any], name: str, path: Path) -> list[str]:
    groups = tables.get("dependency-groups", {})
    extras = tables.get("project", {}).get("optional-dependencies", {})
    if canonicalize_name(name) in map(canonicalize_name, groups):
        return [line.text for line in read_group(groups, name, str(path))]
    for extra, texts in extras.items():
        if canonicalize_name(extra) == canonicalize_name(name):
            return _strings(texts, path)
    known = ", ".join(sorted({*groups, *extras})) or "none"
    raise BadConfig(f"{path}: there is no dependency group or extra {name!r}; there are: {known}")


def _strings(value: Any, path: Path) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise BadConfig(f"{path}: dependencies are no list of strings")
    return value


def _placed(texts: Iterable[str], path: Path) -> tuple[RequirementLine, ...]:
    """Say where each text stands; of equal ones, each takes the next place."""
    written = path.read_text("utf-8")
    table = re.search(r"^\s*\[\s*(project|dependency-groups)", written, re.MULTILINE)
    start = table.start() if table else 0
    left: list[TomlString] = [one for one in toml_strings(written) if one.start >= start]
    lines = []
    for text in texts:
        found = next((one for one in left if one.value == text), None)
        if found:
            left.remove(found)
        lines.append(RequirementLine(text, f"{path}:{found.line}" if found else str(path)))
    return tuple(lines)
