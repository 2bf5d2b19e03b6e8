"""Which Python, base and kfp a step gets: the decisions, and the reasons to leave it alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from kfslim.errors import BadReference
from kfslim.measure.model import Measurement
from kfslim.oci.reference import parse_reference
from kfslim.steps.config import ForStep
from kfslim.steps.executors import runs_without_dependencies
from kfslim.steps.found import Found
from kfslim.steps.images import OLDEST, Guess, guess_image, suite_for, suite_python
from kfslim.steps.model import KfpMode, Step
from kfslim.steps.requirements import exact_version
from kfslim.steps.source import Evidence, Facts


class LeaveAlone(Exception):
    """The step keeps its image; the message is the reason.  Never leaves this room."""


@dataclass
class Case:
    """One step with all that is known of it; ``notes`` collects what the user should know."""

    step: Step
    settings: ForStep
    old: Measurement | None
    guess: Guess
    facts: Facts
    notes: list[str] = field(default_factory=list)

    def at(self, evidence: Evidence) -> str:
        """Say where in the step's source something is, and what it does."""
        name = self.step.function or self.step.name
        return f"source of {name}, line {evidence.line}: it {evidence.what}"


def own_image(step: Step) -> str:
    """Return the step's own image as a ``docker://`` reference."""
    return str(parse_reference(step.image))


def read_guess(step: Step) -> Guess:
    """Read the image's name; a name that is no reference leaves the step alone."""
    try:
        return guess_image(step.image)
    except BadReference as error:
        raise LeaveAlone(f"its image is no reference that can be read: {error.message}") from error


def choose_python(case: Case, asked: str | None) -> str:
    """Return the minor version: asked for, else measured, else promised by the image's name."""
    measured = case.old.python if case.old else None
    if (measured.libc == "musl") if measured else case.guess.musl:
        raise LeaveAlone("its image is built on musl (Alpine), for which most wheels are missing")
    python = asked or case.settings.python
    if not python:
        python = _python_of_image(case)
    if tuple(map(int, python.split("."))) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise LeaveAlone(f"it runs on Python {python}; {oldest} is the oldest that is supported")
    return python


def _python_of_image(case: Case) -> str:
    if case.old:
        if not case.old.python:
            raise LeaveAlone("its image holds no Python")
        return ".".join(case.old.python.version.split(".")[:2])
    if not case.guess.python:
        raise LeaveAlone(
            "its Python is not known, because the image was not read; "
            f"set steps.{case.step.name}.python or use --python"
        )
    case.notes.append(f"Python {case.guess.python} is taken from the tag, the image was not read")
    return case.guess.python


def choose_base(case: Case, python: str, asked: str | None) -> str:
    """Return the base: asked for, else a Debian suite with that Python, else the own image."""
    if base := asked or case.settings.base:
        carried = suite_python(base)
        if carried and carried != python:
            raise LeaveAlone(
                f"it runs on Python {python}, but {base} carries {carried}; "
                "choose another base, or change the version by --python"
            )
        case.notes += [case.at(found) for found in case.facts.programs]
        return str(parse_reference(base))
    if why := _needs_own_image(case):
        case.notes.append(f"based on its own image: {why}")
        return own_image(case.step)
    suite = suite_for(python)
    if not suite:
        case.notes.append(f"based on its own image: no Debian suite carries Python {python}")
        return own_image(case.step)
    return f"deb:{suite}"


def _needs_own_image(case: Case) -> str:
    if case.step.kind != "lightweight":
        return "it runs a command of its own"
    if case.facts.programs:
        return case.at(case.facts.programs[0])
    if case.step.resources.accelerator:
        return f"it asks for an accelerator ({case.step.resources.accelerator})"
    return ""


def choose_kfp(
    case: Case, own_base: bool, claimed: Sequence[Requirement], found: Found | None
) -> tuple[KfpMode, str]:
    """Return how much of kfp the step needs, and which version.

    The executor's modules need nothing else where the runner sets ``_KFP_RUNTIME``; a source that
    uses more, or a step that declares kfp, gets all of it.
    """
    step = case.step
    if step.kind == "container" or (step.kind == "containerized" and own_base):
        return "none", ""  # a target_image holds the kfp that it was built with
    for requirement in claimed:
        if canonicalize_name(requirement.name) == "kfp":
            return "full", exact_version(requirement.specifier) or step.sdk_version
    version = _kfp_version(case, found)
    if case.facts.kfp:
        case.notes.append(f"all of kfp: {case.at(case.facts.kfp[0])}")
        return "full", version
    return ("runtime" if runs_without_dependencies(step) else "full"), version


def _kfp_version(case: Case, found: Found | None) -> str:
    declared = case.step.declared
    if declared.kfp_requirement and not declared.kfp_version:
        raise LeaveAlone("it installs a development build of kfp from a URL or path")
    version = declared.kfp_version or (found.version("kfp") if found else "")
    version = version or case.step.sdk_version
    if not _is_released(version):
        raise LeaveAlone(f"it runs on kfp {version or 'of an unknown version'}, not on a release")
    return version


def _is_released(version: str) -> bool:
    try:
        parsed = Version(version)
    except InvalidVersion:
        return False
    return not parsed.is_devrelease and not parsed.local and bool(re.match(r"\d+\.\d+", version))
