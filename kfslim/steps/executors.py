"""One executor of ``deploymentSpec.executors`` → :class:`Step`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from kfslim.steps.model import Declared, Kind, Resources, Step
from kfslim.steps.preamble import PREAMBLE_ITEMS, NotUnderstood, is_preamble, parse_preamble

# SDK 2.0: kfp.components.executor_main; later kfp.dsl.executor_main.
_EXECUTORS = ("kfp.dsl.executor_main", "kfp.components.executor_main")
_PLACEHOLDER = "{{"


def _runner(module: str, *, runtime: bool) -> str:
    start = "_KFP_RUNTIME=true " if runtime else ""
    return (
        'program_path=$(mktemp -d) printf "%s" "$0" > "$program_path/ephemeral_component.py" '
        f"{start}python3 -m {module} --component_module_path "
        '"$program_path/ephemeral_component.py" "$@"'
    )


_RUNNERS = {_runner(module, runtime=flag) for module in _EXECUTORS for flag in (True, False)}


def read_step(
    label: str, name: str, executor: Mapping[str, Any], tasks: tuple[str, ...], sdk: str
) -> Step:
    """Classify one executor and take from it what later stages need.

    What it is not understood in goes into ``left_alone``.
    """
    container = executor.get("container")
    if not container:
        return _without_container(label, name, executor, tasks, sdk)
    image = container.get("image") or ""
    command = tuple(container.get("command") or ())
    kind = _kind(image, command)
    declared, problem = _declared(kind, command)
    args = tuple(container.get("args") or ())
    return Step(
        name=name,
        executor=label,
        kind=kind,
        image=image,
        command=command,
        args=args,
        env={e["name"]: e.get("value", "") for e in container.get("env") or () if "name" in e},
        source=command[-1] if kind == "lightweight" else "",
        function=_function(args),
        declared=declared,
        resources=_resources(container.get("resources") or {}),
        tasks=tasks,
        sdk_version=sdk,
        left_alone=_KIND_REASONS.get(kind, "") or ("" if image else "it names no image") or problem,
    )


_KIND_REASONS: dict[str, str] = {
    "placeholder": "its image is chosen at run time, by an input of the pipeline",
    "argostub": "its image is a stub that the KFP backend replaces",
    "importer": "an importer runs no container",
}


def _without_container(
    label: str, name: str, executor: Mapping[str, Any], tasks: tuple[str, ...], sdk: str
) -> Step:
    kind: Kind = "importer" if "importer" in executor else "container"
    what = next(iter(executor), "nothing")
    reason = _KIND_REASONS.get(kind) or f"it runs no container ({what})"
    return Step(
        name=name, executor=label, kind=kind, tasks=tasks, sdk_version=sdk, left_alone=reason
    )


def _kind(image: str, command: Sequence[str]) -> Kind:
    if _PLACEHOLDER in image:
        return "placeholder"
    if image.startswith("argostub/"):
        return "argostub"
    proper = without_preamble(command)
    if len(proper) == 4 and proper[:2] == ("sh", "-ec") and _flat(proper[2]) in _RUNNERS:
        return "lightweight"
    if len(proper) == 3 and proper[:2] == ("python3", "-m") and proper[2] in _EXECUTORS:
        return "containerized"
    return "container"


def _flat(text: str) -> str:
    return " ".join(text.replace("\\\n", " ").split())


def without_preamble(command: Sequence[str]) -> tuple[str, ...]:
    """Return the command without the run-time ``pip install`` in front of it, if there is one."""
    return tuple(command[PREAMBLE_ITEMS:] if is_preamble(command) else command)


def installs_at_run_time(step: Step) -> bool:
    """True where the step's command starts with a run-time install that is understood."""
    understood = step.kind in ("lightweight", "containerized") and not step.left_alone
    return understood and is_preamble(step.command)


def runs_without_dependencies(step: Step) -> bool:
    """True where the step's runner sets ``_KFP_RUNTIME``, with which kfp imports nothing else."""
    return any("_KFP_RUNTIME=true" in word for word in without_preamble(step.command)[:3])


def _declared(kind: Kind, command: Sequence[str]) -> tuple[Declared, str]:
    if kind not in ("lightweight", "containerized") or not is_preamble(command):
        return Declared(), ""
    try:
        return parse_preamble(command[2]), ""
    except NotUnderstood as error:
        return Declared(), f"its run-time install is not understood: {error}"


def _function(args: Sequence[str]) -> str:
    for flag, value in pairwise(args):
        if flag == "--function_to_execute":
            return value
    return ""


def _resources(found: Mapping[str, Any]) -> Resources:
    """Newer SDKs write ``resourceCpuLimit`` as text, older ones ``cpuLimit`` as a number."""
    accelerator = found.get("accelerator") or {}

    def first(source: Mapping[str, Any], *keys: str) -> str:
        return next((str(source[key]) for key in keys if source.get(key)), "")

    return Resources(
        cpu=first(found, "resourceCpuLimit", "cpuLimit", "resourceCpuRequest", "cpuRequest"),
        memory=first(
            found, "resourceMemoryLimit", "memoryLimit", "resourceMemoryRequest", "memoryRequest"
        ),
        accelerator=first(accelerator, "resourceType", "type"),
        accelerator_count=first(accelerator, "resourceCount", "count"),
    )
