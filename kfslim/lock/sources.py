"""Distributions that come from one configured index alone, like builds for the CPU.

uv knows this as ``[tool.uv.sources]`` with an explicit index (uv docs, "Using indexes"), for what a
pyproject.toml requires itself.  What only others require is named there as soon as it is seen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kfslim.errors import KfslimError
from kfslim.lock.job import Job

_PROJECT = "kfslim-sources"  # what uv calls the declaration
_BUILD = re.compile(r"(==\s*[^\s,;+]+)\+[A-Za-z0-9._-]+")


def sources_of(job: Job) -> dict[str, str]:
    """Return name → index.  An override loses its source to uv, so what has one keeps none."""
    overridden = set(map(_name, job.overrides))
    return {name: index for name, index in job.sources if name not in overridden}


def declared_names(job: Job) -> set[str]:
    """Return the names that the declaration itself requires, whatever the target."""
    return {_name(line) for line in job.requirements if not Requirement(line).marker}


def with_sources(job: Job, names: Collection[str]) -> Job:
    """Return ``job`` with the sources of ``names`` only; it answers the same declaration."""
    kept = tuple((n, index) for n, index in sources_of(job).items() if n in names)
    return replace(job, sources=kept, declares=job.declaration)


def in_any_build(job: Job) -> Job:
    """Return ``job`` in which a version of what has a source means any build of that version."""
    names = dict(job.sources)
    existing = job.existing.distributions if job.existing else ()
    pins = [f"{one.name}=={one.version}" for one in existing if one.name in names]

    def freed(lines: Iterable[str]) -> tuple[str, ...]:
        return tuple(_BUILD.sub(r"\1", n) if _name(n) in names else n for n in lines)

    return replace(
        job,
        requirements=freed(job.requirements),
        constraints=freed(job.constraints),
        preferred=freed((*pins, *job.preferred)),
        declares=job.declaration,
    )


def pinned(job: Job, versions: Mapping[str, str]) -> Job:
    """Return ``job`` kept to ``versions`` of what has a source, in any build, but for upgrades."""
    fresh = {*versions} if job.upgrade is True else set(job.upgrade or ())
    names = dict(job.sources).keys() & versions.keys() - fresh
    pins = [f"{name}=={versions[name].partition('+')[0]}" for name in sorted(names)]
    return replace(job, constraints=(*job.constraints, *pins), declares=job.declaration)


def write_sources(folder: Path, job: Job, urls: Mapping[str, str]) -> None:
    """Write the pyproject.toml that tells uv; ``urls`` are those of indexes by name."""
    path, names = folder / "pyproject.toml", dict(job.sources)
    path.unlink(missing_ok=True)
    if not names:
        return
    lines = ["[project]", f'name = "{_PROJECT}"', 'version = "0"']
    lines.append(f"dependencies = {json.dumps(sorted(names))}")
    for index in sorted(set(names.values())):
        lines += ["[[tool.uv.index]]", f"name = {json.dumps(index)}", "explicit = true"]
        lines.append(f"url = {json.dumps(urls[index])}")
    lines.append("[tool.uv.sources]")
    lines += [f"{name} = {{ index = {json.dumps(names[name])} }}" for name in sorted(names)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def explained(error: KfslimError, job: Job) -> KfslimError:
    """Say where uv looked, if that may be why it found nothing."""
    error.message = error.message.replace(f"{_PROJECT} depends on", "the step depends on")
    told = [(n, index) for n, index in job.sources if re.search(rf"\b{n}\b", error.message)]
    if told:
        where = ", ".join(f"{name} comes from index {index!r} alone" for name, index in told)
        error.hint = (
            f"{where} (cpu_indexes in the config): declare a version that it has, or say"
            " 'default' there for this step."
        )
    return error


def _name(line: str) -> str:
    return str(canonicalize_name(Requirement(line).name))
