"""What the user gives ``slim`` → the texts that travel with the pipeline."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kfslim.errors import BadConfig, BadPlan, InputError
from kfslim.files import disk_errors
from kfslim.model import load_document
from kfslim.plan.model import Plan, StepPlan
from kfslim.steps.configfile import load_config
from kfslim.steps.model import Step
from kfslim.steps.requirements import RequirementLine, parse_requirement
from kfslim.tasks.inputs import only_step
from kfslim.tasks.packing import pack

# Linux passes no longer argument to a program (MAX_ARG_STRLEN), and the executor gets all its
# inputs as one, as JSON in JSON.
LIMIT = 120_000  # bytes


def lock_text(plan: Plan | Path | str | None, step: Step, name: str) -> str:
    """Return the part of a plan (or of the file that holds it) that is about ``step``, packed.

    Raises:
        BadPlan: it has no such step, or other packages than the component declares.
    """
    if plan is None:
        return ""
    whole = plan if isinstance(plan, Plan) else load_document(Plan, Path(plan))
    only = only_step(whole, name or step.name)
    _check_current(step, only.steps[0])
    return pack(only.model_dump_json())


def _check_current(step: Step, planned: StepPlan) -> None:
    """Refuse a plan that was made before the component's declaration changed."""
    where = f"packages_to_install of component {step.name}"
    for text in step.declared.packages:
        wanted = parse_requirement(RequirementLine(text, where))
        if wanted.marker is None and not _holds(planned, wanted):
            raise BadPlan(
                f"the plan's step {planned.name} lacks {text}, which the component declares",
                hint="The plan is older than the component: run kfslim plan again.",
            )


def _holds(planned: StepPlan, wanted: Requirement) -> bool:
    name = canonicalize_name(wanted.name)
    return all(
        any(d.name == name and wanted.specifier.contains(d.version, True) for d in held)
        for held in (image.lock.distributions for image in planned.images)
    )


def config_text(
    config: Path | str | None, requirements: Sequence[str], base: str, python: str
) -> str:
    """Return the text of a ``kfslim.toml``: the file's, or one with just what was given.

    Raises:
        InputError: a file and other settings were given.
        BadConfig: it cannot be read.
    """
    given = {"requirements": list(requirements), "base": base, "python": python}
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in given.items() if value]
    if config is None:
        return "".join(lines)
    if lines:
        raise InputError("slim: give either a config file, or requirements, base and python")
    path = Path(config)
    load_config(path)
    if path.suffix != ".toml" or path.name == "pyproject.toml":
        raise BadConfig(f"{path}: only a kfslim.toml can travel with a pipeline")
    with disk_errors(f"reading {path}"):
        return path.read_text("utf-8")


def check_known(step: Step, lock: str, settled: str) -> None:
    """Refuse a step of which nothing says what it needs.

    Raises:
        InputError: it runs a command of its own, and neither a plan nor a config came along.
    """
    if step.kind != "lightweight" and not (lock or settled):
        raise InputError(
            f"slim({step.name}): it runs a command of its own, so what it needs is not known",
            hint="Name it in requirements=, or give a plan= that has the step.",
        )


def check_length(name: str, *texts: str) -> None:
    """Refuse what would not fit into a task's arguments.

    Raises:
        InputError: it is too long.
    """
    length = sum(len(json.dumps(json.dumps(text))) for text in texts)
    if length > LIMIT:
        raise InputError(
            f"slim({name}): its source and lock take {length:,} bytes, a task's inputs at most "
            f"{LIMIT:,}",
            hint="Slim the compiled pipeline instead: kfslim slim, or the refresh pipeline.",
        )
