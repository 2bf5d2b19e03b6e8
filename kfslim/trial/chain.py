"""A whole pipeline, task after task: what each is given comes from the tasks before it.

Plain pipelines and pipelines in pipelines run as a backend would run them.  What a backend decides
while it runs (conditions, loops) or fetches (importers) is not imitated: such tasks, and those that
need something of theirs, are told with the reason, unless the config gives them what they lack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from kfslim.steps.order import MAX_DEPTH, sorted_tasks
from kfslim.trial.inputs import Given, Ports, fill, parameter_values
from kfslim.trial.recorded import write_inputs

_EMPTY = Given()
_INJECTED = "pipelinechannel--"  # what the compiler calls values that it hands through


class Ready(NamedTuple):
    """A task that has all its inputs.  ``task`` is its path: ``train``, ``prepare/clean``."""

    task: str
    executor: str
    ports: Ports
    given: Given


class Told(NamedTuple):
    """How a task fared: ``reason`` says why it could not be run here; empty: it was."""

    task: str
    executor: str
    reason: str


# Runs one task; returns its outputs (``trial.outputs.produced``), or None if it failed.
RunOne = Callable[[Ready], "Given | None"]


def run_chain(
    document: Mapping[str, Any],
    run_one: RunOne,
    *,
    parameters: Mapping[str, Any] | None = None,
    given: Mapping[str, Given] | None = None,
    record: Path | None = None,
) -> tuple[Told, ...]:
    """Run the tasks of a parsed pipeline in their order.

    ``parameters`` are of the pipeline, over its defaults.  ``given`` are inputs by executor label
    that go before what other tasks made.  With ``record``, what each task is given is written to
    ``record/<step>`` (of tasks that share an executor, the first's).

    Raises:
        Whatever ``run_one`` raises; DiskError: the record cannot be written.
    """
    run = _Run(document, run_one, given or {}, record)
    root = document["root"]
    ports = Ports.of(root)
    values = parameter_values(ports, Given(dict(parameters or {})))
    if "dag" in root:
        run.dag(root, Given(values), "", MAX_DEPTH)
    return tuple(run.told)


@dataclass
class _Dag:
    """One pipeline while it runs: its inputs, and what its tasks have made so far."""

    inputs: Given
    made: dict[str, Given] = field(default_factory=dict)
    blocked: dict[str, str] = field(default_factory=dict)


class _NotHere(Exception):
    """A task cannot be run here; the text says why."""


class _Run:
    def __init__(
        self,
        document: Mapping[str, Any],
        run_one: RunOne,
        given: Mapping[str, Given],
        record: Path | None,
    ) -> None:
        self.components = document.get("components") or {}
        self.executors = document["deploymentSpec"]["executors"]
        self.run_one, self.given, self.record = run_one, given, record
        self.told: list[Told] = []
        self.recorded: set[str] = set()

    def dag(self, component: Mapping[str, Any], inputs: Given, path: str, depth: int) -> Given:
        """Run the tasks of a pipeline; return what it hands out, as far as it was made."""
        dag = _Dag(inputs)
        tasks = component["dag"].get("tasks") or {}
        for name in sorted_tasks(tasks):
            inner = self.components.get(_component(tasks[name])) or {}
            try:
                dag.made[name] = self.task(tasks[name], inner, dag, f"{path}{name}", depth)
            except _NotHere as reason:
                dag.blocked[name] = str(reason)
                self.told += _all_below(self.components, inner, f"{path}{name}", depth, str(reason))
        return _handed_out(component["dag"].get("outputs") or {}, dag)

    def task(
        self,
        task: Mapping[str, Any],
        component: Mapping[str, Any],
        dag: _Dag,
        path: str,
        depth: int,
    ) -> Given:
        """Run one task; return its outputs."""
        _check_plain(task)
        if "dag" in component and depth:
            given, _ = _inputs(task, dag)
            given = Given(parameter_values(Ports.of(component), given), given.artifacts)
            return self.dag(component, given, f"{path}/", depth - 1)
        label = component.get("executorLabel", "")
        if "importer" in (self.executors.get(label) or {}):
            raise _NotHere("an importer fetches it")
        ports = Ports.of(component)
        found, lacks = _inputs(task, dag)
        given = self.given.get(label, _EMPTY).over(found)
        for name in (*lacks, *ports.lacking(given)):
            if name not in given.parameters and name not in given.artifacts:
                shown = name.removeprefix(_INJECTED)
                raise _NotHere(lacks.get(name, f"it needs {shown}, which is not known here"))
        given = Given(parameter_values(ports, given), given.artifacts)
        self.keep(label, given)
        made = self.run_one(Ready(path, label, ports, given))
        if made is None:
            dag.blocked[path.rpartition("/")[2]] = "it failed"
        self.told.append(Told(path, label, ""))
        return made or _EMPTY

    def keep(self, label: str, given: Given) -> None:
        """Record what the first task of an executor is given."""
        if self.record and label not in self.recorded:
            self.recorded.add(label)
            write_inputs(self.record / label.removeprefix("exec-"), given)


def _check_plain(task: Mapping[str, Any]) -> None:
    if (task.get("triggerPolicy") or {}).get("condition"):
        raise _NotHere("it runs on a condition")
    if task.get("parameterIterator") or task.get("artifactIterator"):
        raise _NotHere("it runs in a loop")


def _inputs(task: Mapping[str, Any], dag: _Dag) -> tuple[Given, dict[str, str]]:
    """Return the inputs of a task that are known, and why others are not."""
    wired = task.get("inputs") or {}
    parameters: dict[str, Any] = {}
    artifacts: dict[str, Any] = {}
    lacks: dict[str, str] = {}
    for kind, values in (("parameters", parameters), ("artifacts", artifacts)):
        for name, wire in (wired.get(kind) or {}).items():
            try:
                values.update(_follow(name, wire, dag))
            except _NotHere as reason:
                lacks[name] = str(reason)
    return Given({n: _filled(v, parameters) for n, v in parameters.items()}, artifacts), lacks


def _follow(name: str, wire: Mapping[str, Any], dag: _Dag) -> dict[str, Any]:
    """Return the value at the other end of a wire; nothing for an optional input left out."""
    if "runtimeValue" in wire:
        return {name: wire["runtimeValue"].get("constant")}
    if "taskFinalStatus" in wire:
        producer = wire["taskFinalStatus"].get("producerTask", "")
        status = {"pipelineJobResourceName": "trial", "pipelineTaskName": producer, "error": {}}
        return {name: {"state": "SUCCEEDED", **status}}
    if wire.get("parameterExpressionSelector"):
        raise _NotHere(f"{name} is part of another value, by an expression")
    for key, values in (
        ("componentInputParameter", dag.inputs.parameters),
        ("componentInputArtifact", dag.inputs.artifacts),
    ):
        if key in wire:
            return {name: values[wire[key]]} if wire[key] in values else {}
    if found := wire.get("taskOutputParameter"):
        return {name: _output(found, "outputParameterKey", "parameters", dag)}
    if found := wire.get("taskOutputArtifact"):
        return {name: _output(found, "outputArtifactKey", "artifacts", dag)}
    raise _NotHere(f"{name} comes from a place that is not known here")


def _output(wire: Mapping[str, Any], key: str, kind: str, dag: _Dag) -> Any:
    producer, name = wire.get("producerTask", ""), wire.get(key, "")
    values = getattr(dag.made.get(producer, _EMPTY), kind)
    if name in values:
        return values[name]
    why = dag.blocked.get(producer, "it made none")
    raise _NotHere(f"it needs {name.removeprefix(_INJECTED)} of {producer}: {why}")


def _filled(value: Any, parameters: Mapping[str, Any]) -> Any:
    """Fill placeholders for other inputs: what the compiler makes of an f-string."""
    if isinstance(value, str) and "{{$" in value:
        inputs = {"parameterValues": parameters, "artifacts": {}}
        return fill([value], {"inputs": inputs, "outputs": {}})[0]
    if isinstance(value, list):
        return [_filled(one, parameters) for one in value]
    if isinstance(value, dict):
        return {key: _filled(one, parameters) for key, one in value.items()}
    return value


def _handed_out(outputs: Mapping[str, Any], dag: _Dag) -> Given:
    """Return the outputs of a pipeline; those that a condition chooses are not known."""
    parameters, artifacts = {}, {}
    for name, wire in (outputs.get("parameters") or {}).items():
        found = wire.get("valueFromParameter") or {}
        made = dag.made.get(found.get("producerSubtask", ""), _EMPTY).parameters
        if (key := found.get("outputParameterKey", "")) in made:
            parameters[name] = made[key]
    for name, wire in (outputs.get("artifacts") or {}).items():
        for found in wire.get("artifactSelectors") or ():
            ones = dag.made.get(found.get("producerSubtask", ""), _EMPTY).artifacts
            if (key := found.get("outputArtifactKey", "")) in ones:
                artifacts[name] = ones[key]
    return Given(parameters, artifacts)


def _component(task: Mapping[str, Any]) -> str:
    return str((task.get("componentRef") or {}).get("name", ""))


def _all_below(
    components: Mapping[str, Any], component: Mapping[str, Any], path: str, depth: int, reason: str
) -> Iterator[Told]:
    """Yield every task of a pipeline that is not run, or the one task that this is."""
    if label := component.get("executorLabel"):
        yield Told(path, label, reason)
    tasks = (component.get("dag") or {}).get("tasks") or {}
    for name in sorted_tasks(tasks) if depth else ():
        inner = components.get(_component(tasks[name])) or {}
        yield from _all_below(components, inner, f"{path}/{name}", depth - 1, reason)
