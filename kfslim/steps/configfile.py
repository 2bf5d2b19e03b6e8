"""Finding and reading the configuration of a project."""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from kfslim.cluster.settings import ClusterSettings, Toleration
from kfslim.errors import BadConfig
from kfslim.model import first_problem
from kfslim.steps.config import (
    DEFAULT_INDEX,
    Config,
    MaxGrowth,
    Mirror,
    Mirrors,
    RequirementsFrom,
    Settings,
    StepSettings,
    TrialSettings,
)
from kfslim.steps.groups import read_group
from kfslim.steps.project import project_modules
from kfslim.steps.reqfile import read_requirements
from kfslim.steps.requirements import RequirementLine, parse_requirement
from kfslim.steps.tomlfile import read_toml

_OWN_FILE, _SHARED_FILE = "kfslim.toml", "pyproject.toml"


def find_config(start: Path) -> Path | None:
    """Look in ``start`` and the folders above it for a file that configures kfslim.

    ``kfslim.toml`` goes before a ``pyproject.toml`` with ``[tool.kfslim]`` in the same folder; the
    search ends at a folder that holds ``.git``.

    Raises:
        BadConfig: a pyproject.toml on the way is not TOML.
    """
    for folder in (start.resolve(), *start.resolve().parents):
        if not os.access(folder, os.X_OK):  # asking for a file in it would raise
            continue
        if (own := folder / _OWN_FILE).is_file():
            return own
        shared = folder / _SHARED_FILE
        if shared.is_file() and "kfslim" in read_toml(shared).get("tool", {}):
            return shared
        if (folder / ".git").exists():
            break
    return None


def load_config(path: Path | None) -> Config:
    """Read a config file and everything it names; None gives the defaults.

    Raises:
        BadConfig: unreadable, not TOML, an unknown key, a wrong value, a missing project folder.
        BadRequirement: a requirement, or a line of a requirements file, that is none.
        InputError: a requirements file that cannot be read.
    """
    if path is None:
        return Config()
    data = read_toml(path)
    if path.name == _SHARED_FILE:
        data = data.get("tool", {}).get("kfslim", {})
    settings = _validate(data, path)
    _check_indexes(settings, path)
    common = {name: getattr(settings, name) for name in Settings.model_fields}
    return Config(
        **common,
        root=str(path.parent),
        lines=_all_lines(settings, path),
        project_modules=_all_modules(settings, path),
    )


def _validate(data: Any, path: Path) -> Settings:
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        problem = next(
            (p for p in error.errors(include_url=False) if p["type"] == "extra_forbidden"), None
        )
        if problem is None:
            text = _in_toml(first_problem(error))
            raise BadConfig(f"{path}: {text}") from error
        keys = [str(part) for part in problem["loc"] if part != "tuple[str, ...]"]
        raise _unknown_key(keys, path) from error


def _in_toml(problem: str) -> str:
    """Say what pydantic complains of in the words of TOML."""
    for ours, theirs in (("Value error, ", ""), ("tuple", "list"), ("dictionary", "table")):
        problem = problem.replace(ours, theirs)
    return problem


def _unknown_key(keys: list[str], path: Path) -> BadConfig:
    """Say which key is unknown, and which one was probably meant."""
    place, key = [k for k in keys[:-1] if k != RequirementsFrom.__name__], keys[-1]
    known = list(_model_at(keys[:-1]).model_fields)
    close = get_close_matches(key, known, n=1, cutoff=0.6)
    meant = f"did you mean {close[0]!r}?" if close else f"known are: {', '.join(known)}"
    where = f" in {'.'.join(place)}" if place else ""
    return BadConfig(f"{path}: unknown key {key!r}{where}; {meant}")


def _model_at(keys: list[str]) -> type[BaseModel]:
    if keys[:1] == ["trial"] or (keys[:1] == ["steps"] and keys[2:3] == ["trial"]):
        return TrialSettings
    if keys[:1] == ["max_growth"] or (keys[:1] == ["steps"] and keys[2:3] == ["max_growth"]):
        return MaxGrowth
    if keys[:1] == ["steps"]:
        return RequirementsFrom if "requirements" in keys[2:] else StepSettings
    if keys[:1] == ["mirrors"]:
        return Mirror if keys[1:2] == ["debian"] else Mirrors
    if keys[:1] == ["cluster"]:
        return Toleration if "tolerations" in keys[1:] else ClusterSettings
    return RequirementsFrom if keys[:1] == ["requirements"] else Settings


def _check_indexes(settings: Settings, path: Path) -> None:
    if DEFAULT_INDEX in settings.indexes:
        raise BadConfig(f"{path}: indexes.{DEFAULT_INDEX} is the machine's own; use another name")
    known = {DEFAULT_INDEX, *settings.indexes}
    named = [("cpu_indexes", index) for index in settings.cpu_indexes.values()]
    for name, step in settings.steps.items():
        named += [(f"steps.{name}.indexes", index) for index in step.indexes]
        named += [(f"steps.{name}.cpu_indexes", i) for i in step.cpu_indexes.values()]
    for key, index in named:
        if index not in known:
            raise BadConfig(f"{path}: {key} names {index!r}, which is not under indexes")


def _all_lines(settings: Settings, path: Path) -> dict[str, tuple[RequirementLine, ...]]:
    lines = {"": _lines(settings.requirements, "requirements", path)}
    for name, step in settings.steps.items():
        lines[name] = _lines(step.requirements, f"steps.{name}.requirements", path)
    return {name: found for name, found in lines.items() if found}


def _lines(
    value: tuple[str, ...] | RequirementsFrom, key: str, path: Path
) -> tuple[RequirementLine, ...]:
    if isinstance(value, RequirementsFrom):
        return _lines_from(value, key, path)
    lines = tuple(RequirementLine(text, f"{path}: {key}") for text in value)
    for line in lines:
        parse_requirement(line)
    return lines


def _lines_from(value: RequirementsFrom, key: str, path: Path) -> tuple[RequirementLine, ...]:
    if bool(value.file) == bool(value.group):
        raise BadConfig(f"{path}: {key} must name either a file or a group")
    if value.file:
        return read_requirements(path.parent / value.file)
    shared = path.parent / _SHARED_FILE
    groups: Mapping[str, Any] = read_toml(shared).get("dependency-groups", {})
    return read_group(groups, value.group, str(shared))


def _all_modules(settings: Settings, path: Path) -> dict[str, tuple[str, ...]]:
    named = {*settings.projects}.union(*(step.projects for step in settings.steps.values()))
    found = {}
    for project in sorted(named):
        folder = path.parent / project
        if not folder.is_dir():
            raise BadConfig(f"{path}: the project folder {project} does not exist")
        found[project] = project_modules(folder)
    return found
