"""What to run for one step, and how to look at what comes out."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from kfslim.errors import BadConfig
from kfslim.steps.config import TrialSettings
from kfslim.steps.executors import runs_without_dependencies, without_preamble
from kfslim.steps.model import Step
from kfslim.steps.sightings import Import
from kfslim.trial.inputs import LOCAL, Artifact, Given, Place, Ports, place_for
from kfslim.trial.model import Level, Limits
from kfslim.trial.recorded import read_inputs

TOLERANCE = 0.01  # relative, of numbers and of the sizes of files
USUAL = Limits()
# Modules of the standard library that no Linux has: imported where ``os.name`` says so.
_WINDOWS = {"_overlapped", "_winapi", "msilib", "msvcrt", "nt", "winreg", "winsound"}
_SOURCE = 3  # sh -ec RUNNER SOURCE
_UNITS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


class Wanted(NamedTuple):
    """A module, or attribute of one, that the step imports; ``where`` is its ``file:line``.

    The step can do without one that is not ``required``, and without one of which all that it
    stands in for (``instead_of``) is there.
    """

    name: str
    required: bool = True
    where: str = ""
    instead_of: tuple[str, ...] = ()


def wanted_from(
    imports: Iterable[Import], offered: Callable[[str], bool], local: Collection[str] = ()
) -> tuple[Wanted, ...]:
    """Return what a trial must import, of the imports that the sources show.

    ``offered`` tells whether a module comes with Python or with all that was declared, before
    anything was left out: what does not would not be there in an image that is not slim, either
    (``tomli`` where Python has ``tomllib``).  ``local`` are top-level modules of the sources' own.
    """
    found: dict[str, Wanted] = {}
    for one in imports:
        top = one.module.partition(".")[0]
        if one.kind == "typing" or not top or (top in local and not offered(top)):
            continue
        required = one.kind != "optional" and top not in _WINDOWS and offered(one.module)
        name = top if one.kind == "dynamic" else one.module  # the rest may be computed, or a mock's
        wanted = Wanted(name, required, f"{one.file}:{one.line}", one.instead_of)
        if name not in found or (required and not found[name].required):
            found[name] = wanted
    return tuple(found.values())


@dataclass(frozen=True)
class Case:
    """What to run for one step.

    ``command`` is the step's own, less its run-time installs, placeholders not filled.
    ``function`` is set where it starts a KFP executor on a source that the command holds, and
    ``kfp_runtime`` where that executor runs without the dependencies of kfp.
    ``given`` has the inputs for level ``run``; ``secrets`` are values that no log may show.
    ``ignore`` are outputs that are not compared.
    """

    step: str
    level: Level
    modules: tuple[Wanted, ...] = ()
    command: tuple[str, ...] = ()
    function: str = ""
    kfp_runtime: bool = False
    env: Mapping[str, str] = field(default_factory=dict)
    ports: Ports = field(default_factory=Ports)
    given: Given = field(default_factory=Given)
    place: Place = LOCAL
    limits: Limits = USUAL
    tolerance: float = TOLERANCE
    ignore: frozenset[str] = frozenset()
    secrets: tuple[str, ...] = ()

    def running(self, given: Given) -> Case:
        """Return the case that runs the step on these inputs."""
        return replace(self, level="run", given=given)

    def fallen_back(self) -> Case:
        """Return the case that does all that can be done without inputs."""
        return replace(self, level="start" if self.function else "imports", given=Given())


def case_for(
    step: Step,
    modules: Iterable[Wanted],
    settings: TrialSettings,
    component: Mapping[str, Any],
    root: Path,
    environ: Mapping[str, str] = os.environ,
) -> Case:
    """Return the case of one step.

    ``component`` is its component in the compiled pipeline (see :func:`components`); ``root`` is
    the folder that paths in ``settings`` start from.  Its level is ``run`` if the settings say so
    and give or record every input; a whole pipeline's runs get theirs from ``trial.chain``.

    Raises:
        BadConfig: inputs that are not there, or a variable that is not set.
    """
    env, secrets = _environment(settings, environ)
    kfp = step.declared.kfp_version or step.sdk_version
    base = Case(
        step=step.name,
        level="imports",
        modules=(*modules, *(Wanted(name) for name in settings.modules)),
        command=settings.command or (*without_preamble(step.command), *step.args),
        function=step.function if _starts_executor(step) and not settings.command else "",
        kfp_runtime=runs_without_dependencies(step),
        env={**step.env, **env},
        ports=Ports.of(component),
        place=place_for(kfp) if step.kind != "container" else LOCAL,
        limits=limits_of(settings),
        tolerance=TOLERANCE if settings.tolerance is None else settings.tolerance,
        ignore=frozenset(settings.ignore),
        secrets=secrets,
    )
    given = given_by(settings, root)
    if settings.run and not base.ports.lacking(given):
        return base.running(given)
    return base.fallen_back()


def _starts_executor(step: Step) -> bool:
    return step.kind == "lightweight" and "--executor_input" in step.args


def split_at_source(command: Sequence[str]) -> tuple[Sequence[str], str, Sequence[str]]:
    """Return what stands before a lightweight step's source, the source, and its arguments.

    >>> split_at_source(["sh", "-ec", "run", "source", "--executor_input", "{{$}}"])[1]
    'source'
    """
    return command[:_SOURCE], command[_SOURCE], command[_SOURCE + 1 :]


def limits_of(settings: TrialSettings) -> Limits:
    """Return the bounds that the settings set."""
    said = {
        "seconds": settings.seconds,
        "memory_bytes": bytes_of(settings.memory) if settings.memory else None,
        "network": settings.network,
    }
    return Limits.model_validate({key: value for key, value in said.items() if value is not None})


def bytes_of(text: str) -> int:
    """Return the bytes of ``4G``, ``512Mi`` or ``1.5 GB`` (by 1024, as limits are given)."""
    match = re.fullmatch(r"([\d.]+)\s*([KMGT]?)(?:i?B?)", text.strip())
    if not match:
        raise BadConfig(f"{text!r} is not a size; write it like 4G")
    return int(float(match[1]) * 1024 ** _UNITS[match[2]])


def given_by(settings: TrialSettings, root: Path) -> Given:
    """Return the inputs that the settings name, over those that they recorded.

    Raises:
        BadConfig: a file that is not there.
    """
    artifacts = {}
    for name, path in settings.artifacts.items():
        if not (root / path).exists():
            raise BadConfig(f"trial.artifacts.{name}: {path} does not exist")
        artifacts[name] = (Artifact(root / path),)
    own = Given(settings.parameters, artifacts)
    return own.over(read_inputs(root / settings.inputs)) if settings.inputs else own


def _environment(
    settings: TrialSettings, environ: Mapping[str, str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the variables, and the values that come from this machine's environment."""
    env, secrets = {}, []
    for name, value in settings.env.items():
        if value.startswith("$"):
            if value[1:] not in environ:
                raise BadConfig(f"trial.env.{name} is {value}, but that variable is not set")
            secrets.append(environ[value[1:]])
        env[name] = environ[value[1:]] if value.startswith("$") else value
    return env, tuple(secrets)


def components(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Map executor labels to the component that runs on them, from a parsed pipeline."""
    found: dict[str, Mapping[str, Any]] = {}
    for component in [*(document.get("components") or {}).values(), document.get("root") or {}]:
        if label := component.get("executorLabel"):
            found.setdefault(label, component)
    return found
