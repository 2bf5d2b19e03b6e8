"""A source tree with its requirements, or a list alone → its audit."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from kfslim.audit.located import located_problems
from kfslim.audit.model import Audit
from kfslim.audit.question import Question
from kfslim.audit.uses import SourceText, read_uses
from kfslim.circles import no_circles
from kfslim.errors import BadRequirement, InputError
from kfslim.flow.asking import decide
from kfslim.flow.context import Context
from kfslim.flow.dissecting import environment_of
from kfslim.lock.job import Job
from kfslim.lock.model import Lock
from kfslim.lock.resolve import lock_many
from kfslim.net import redact
from kfslim.oci import Platform
from kfslim.steps.projectlist import declares, read_project_list
from kfslim.steps.reqfile import read_requirements_file
from kfslim.steps.requirements import RequirementLine, merge_requirements
from kfslim.steps.sourcetree import read_file, read_tree

PROJECT, LIST = "pyproject.toml", "requirements.txt"


class Subject(NamedTuple):
    """What is audited, called ``name``: requirements, and sources that use them (None: unknown).

    ``folder`` is put before the names of sources; ``indexes`` are names from the config.
    """

    lines: tuple[RequirementLine, ...]
    sources: tuple[SourceText, ...] | None
    folder: Path
    name: str = ""
    constraints: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()


def audit_source(
    context: Context,
    path: Path,
    *,
    requirements: Path | None = None,
    python: str | None = None,
    platform: Platform | None = None,
    groups: Sequence[str] = (),
) -> Audit:
    """Audit a folder of sources, one source, a pyproject.toml with its folder, or a mere list.

    ``requirements`` (a requirements file or a pyproject.toml) goes before what lies in the folder.
    ``groups`` are dependency groups or extras to add.  ``python`` is ``3.11``; without it, and
    without one in the config, it is that of this interpreter.  Of a mere list nothing is told to be
    unused.

    Raises:
        InputError: there is nothing to read, or nothing is declared.
        BadRequirement: requirements that are malformed, in conflict or unresolvable.
        KfslimError: what locking or installing raises.
    """
    subject = read_subject(context, path, requirements, groups)
    return audit_locked(context, subject, lock_subject(context, subject, python, platform))


def lock_subject(
    context: Context, subject: Subject, python: str | None = None, platform: Platform | None = None
) -> Lock:
    """Resolve what ``subject`` declares.  Raises as :func:`kfslim.lock.resolve.lock_many`."""
    job = Job(
        merge_requirements(subject.lines),
        python or context.config.python or f"{sys.version_info[0]}.{sys.version_info[1]}",
        platform or Platform(),
        constraints=subject.constraints,
        indexes=subject.indexes,
        what=f"locking {subject.name}",
    )
    return lock_many(context.uv, [job], progress=context.progress)[0]


def audit_locked(context: Context, subject: Subject, lock: Lock) -> Audit:
    """Audit ``subject`` on its lock.  Raises as :func:`kfslim.lock.install.install`."""
    with no_circles():
        uses = None if subject.sources is None else read_uses(subject.sources)

    def where(file: str, line: int) -> tuple[str, int]:
        return str(subject.folder / file), line

    question = Question(
        step="",
        requirements=subject.lines,
        uses=uses,
        environment=environment_of(context, lock, uses),
        keeps=context.config.for_step("").keep_requirements,
    )
    return Audit(
        subject=subject.name,
        steps=(decide(context, lock, question, where).audit,),
        problems=located_problems(uses.problems, where) if uses else (),
    )


def read_subject(
    context: Context, path: Path, requirements: Path | None = None, groups: Sequence[str] = ()
) -> Subject:
    """Read what ``path`` declares, and its sources.  See :func:`audit_source`."""
    return _subject(context, path, requirements, groups)._replace(name=str(path))


def _subject(
    context: Context, path: Path, requirements: Path | None, groups: Sequence[str]
) -> Subject:
    if path.is_dir():
        return _tree(context, path, requirements or _found_in(path), groups)
    if not path.is_file():
        raise InputError(f"{path}: no such file or folder")
    if path.suffix == ".toml":
        return _tree(context, path.parent, requirements or path, groups)
    if path.suffix in (".py", ".ipynb"):
        chosen = requirements or _found_in(path.parent)
        return _declared(context, chosen, groups)._replace(
            sources=tuple(read_file(path, path.name)), folder=path.parent
        )
    return _declared(context, path, groups)


def _tree(context: Context, folder: Path, requirements: Path, groups: Sequence[str]) -> Subject:
    declared = _declared(context, requirements, groups)
    return declared._replace(sources=read_tree(folder), folder=folder)


def _found_in(folder: Path) -> Path:
    """Return what declares for ``folder``: a project's own dependencies go before a list."""
    project, plain = folder / PROJECT, folder / LIST
    if project.is_file() and (not plain.is_file() or declares(project)):
        return project
    if plain.is_file():
        return plain
    raise InputError(
        f"{folder} holds neither {PROJECT} nor {LIST}",
        hint="Name what it declares: --requirements FILE.",
    )


def _declared(context: Context, path: Path, groups: Sequence[str]) -> Subject:
    if path.suffix == ".toml":
        return Subject(read_project_list(path, groups), None, path.parent)
    if groups:
        raise InputError(f"{path} has no groups", hint="--group is for a pyproject.toml.")
    file = read_requirements_file(path)
    if not file.requirements:
        raise InputError(f"{path} declares nothing")
    urls = (*file.index_urls, *file.extra_index_urls)
    return Subject(
        tuple(file.requirements),
        None,
        path.parent,
        constraints=tuple(line.text for line in file.constraints),
        indexes=tuple(dict.fromkeys(_index(context, url, path) for url in urls)),
    )


def _index(context: Context, url: str, path: Path) -> str:
    name = context.config.index_named(url)
    if name is None:
        raise BadRequirement(
            f"{path} names an index that the config does not: {redact(url)}",
            hint='Set indexes.NAME = "URL" there.',
        )
    return name
