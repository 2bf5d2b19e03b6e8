"""One step, its source and its full lock → what an audit is asked about it, and its answer."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from packaging.utils import canonicalize_name

from kfslim.audit.decide import audit_step, to_be_read
from kfslim.audit.located import Where, located, located_problems
from kfslim.audit.model import Evidence, Problem, StepAudit
from kfslim.audit.question import Question
from kfslim.audit.uses import SourceText, Uses, read_uses
from kfslim.circles import no_circles
from kfslim.flow.context import Context
from kfslim.flow.dissecting import environment_of, opened
from kfslim.lock.model import Lock
from kfslim.steps.declared import all_lines, kfp_mode
from kfslim.steps.model import Needs, Step
from kfslim.steps.places import STEP_SOURCE, Places
from kfslim.steps.sourcetree import read_tree


class Reading(NamedTuple):
    """The sources of one step, read.

    ``uses`` is None where there is none to read.  ``where`` turns a file and a line of them into
    those that a reader knows.
    """

    uses: Uses | None
    where: Where

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The files that could not be read."""
        return located_problems(self.uses.problems, self.where) if self.uses else ()


def ask(
    context: Context,
    step: Step,
    needs: Needs,
    lock: Lock,
    uses: Uses | None,
    base_provides: Collection[tuple[str, str]] = (),
    places: Places | None = None,
) -> Question:
    """Return what is to be decided about a step, before any trial.

    See :func:`kfslim.flow.auditing.audit_slot`.
    """
    settings = context.config.for_step(step.name)
    environment = environment_of(context, lock, uses)
    provided = {(str(canonicalize_name(name)), version) for name, version in base_provides}
    lines = all_lines(step, settings, needs, places.packages if places else None)
    return Question(
        step=needs.step,
        requirements=tuple(replace(line, where=from_here(line.where)) for line in lines),
        uses=uses,
        environment=environment,
        base_provides=frozenset(
            name for name, one in environment.by_name.items() if (name, one.version) in provided
        ),
        keeps=settings.keep_requirements,
        accelerator=bool(step.resources.accelerator),
        kfp=kfp_mode(step, needs),
    )


class Decided(NamedTuple):
    """A question with all opened that its answer needs, and that answer, places as they are."""

    question: Question
    audit: StepAudit


def decide(context: Context, lock: Lock, question: Question, where: Where) -> Decided:
    """Answer ``question``, which is about ``lock``, with the names that are left.

    What stays and was not opened is opened: only then it is known what it requires.

    Raises:
        BadRequirement: a requirement is none by name.
        KfslimError: as :func:`kfslim.lock.install.install`.
    """
    with no_circles():
        audit = audit_step(question)
    while names := to_be_read(question, audit):
        more = opened(context, lock, question.environment, names)
        question = replace(question, environment=more)
        audit = audit_step(question)
    left = question.environment.brought(audit.kept, audit.requirements)
    audit = audit.model_copy(update={"distributions": tuple(sorted(left))})
    return Decided(question, located(audit, where))


def from_here(where: str) -> str:
    """Return a place as seen from the current folder, if it lies below it."""
    return where.removeprefix(f"{Path.cwd()}{os.sep}")


def read_step(context: Context, step: Step, places: Places | None = None) -> Reading:
    """Read the source of ``step`` and its configured project folders.

    Raises:
        InputError: a project folder cannot be read.
    """
    own = places or Places(f"source of {step.function or step.name}")
    sources = [SourceText(STEP_SOURCE, step.source)] if step.source else []
    folders: dict[str, str] = {}
    for project in context.config.for_step(step.name).projects:
        found = read_tree(context.config.path(project))
        folders |= {one.file: f"{project}/{one.file}" for one in found}
        sources += found

    def where(file: str, line: int) -> tuple[str, int]:
        return own.at(line) if file == STEP_SOURCE else (folders.get(file, file), line)

    return Reading(_uses(step, sources), where)


def _uses(step: Step, sources: Sequence[SourceText]) -> Uses | None:
    if not sources:
        return None
    with no_circles():
        uses = read_uses(sources)
    if step.source:
        return uses
    text = "it runs a command of its own, which is not read"
    return uses._replace(doubts=(*uses.doubts, Evidence(kind="doubt", text=text)))
