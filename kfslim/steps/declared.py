"""Everything that one step declares, line by line, as it was written."""

from __future__ import annotations

from collections.abc import Mapping

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kfslim.steps.config import ForStep
from kfslim.steps.executors import runs_without_dependencies
from kfslim.steps.model import KfpMode, Needs, Step
from kfslim.steps.requirements import RequirementLine
from kfslim.steps.source import read_source


def declared_lines(
    step: Step, settings: ForStep, places: Mapping[str, str] | None = None
) -> tuple[RequirementLine, ...]:
    """Return what the step installs at every run, then what the config adds.

    ``places`` say of packages as written where they stand: ``pipeline.py:12``.
    """
    where = f"packages_to_install of step {step.name}"
    places = places or {}
    packages = (RequirementLine(t, places.get(t, where)) for t in step.declared.packages)
    return (*packages, *settings.requirements)


def all_lines(
    step: Step, settings: ForStep, needs: Needs, places: Mapping[str, str] | None = None
) -> tuple[RequirementLine, ...]:
    """Return :func:`declared_lines`, and what ``needs`` takes from the step's image beside them."""
    lines = declared_lines(step, settings, places)
    names = {_name(line.text) for line in lines}
    where = f"the image of step {step.name}"
    found = (RequirementLine(text, where) for text in needs.requirements)
    return (*lines, *(line for line in found if _name(line.text) not in names))


def kfp_mode(step: Step, needs: Needs) -> KfpMode:
    """Return how much of kfp the step would need if it did not declare it."""
    if needs.kfp != "full" or not runs_without_dependencies(step):
        return needs.kfp
    return "full" if read_source(step.source).kfp else "runtime"


def _name(text: str) -> str:
    return canonicalize_name(Requirement(text).name)
