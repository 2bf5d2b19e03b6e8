"""What a KFP launcher gives a step: the executor input, and a command with its placeholders filled.

The message is ``ExecutorInput`` of ``pipeline_spec.proto`` as JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

OUTPUT_FILE = "out/executor_output.json"  # below the mount
_STAND_INS: dict[str, Any] = {
    "STRING": "",
    "NUMBER_INTEGER": 0,
    "NUMBER_DOUBLE": 0.0,
    "BOOLEAN": False,
    "LIST": [],
    "STRUCT": {},
    "TASK_CONFIG": {},
    "TASK_FINAL_STATUS": {
        "state": "SUCCEEDED",
        "pipelineJobResourceName": "trial",
        "pipelineTaskName": "trial",
        "error": {},
    },
}
_BACKENDS = ("TASK_FINAL_STATUS", "TASK_CONFIG")  # a backend always gives these
_PLACEHOLDER = re.compile(r"\{\{\$(?:\.([^{}]*))?\}\}")
_KEYS = re.compile(r"\[?(?:''|'|\")([^'\"]+)(?:''|'|\")\]?|([A-Za-z_]\w*)")


class Place(NamedTuple):
    """Where a run's folder lies in its root, and how artifacts' URIs name it."""

    mount: str = "/kfslim"
    uri: str = "/kfslim"

    def path(self, uri: str) -> str:
        """Return the path of an artifact by its URI."""
        return self.mount + uri.removeprefix(self.uri) if uri.startswith(self.uri) else uri


LOCAL = Place()


def place_for(kfp_version: str) -> Place:
    """Return a place that the artifacts of a kfp version can name.

    Before SDK 2.5 an artifact with a local URI has no path; a bucket's is ``/gcs/<bucket>/…``.
    """
    numbers = [int(part) for part in re.findall(r"\d+", kfp_version)[:2]]
    return Place("/gcs/kfslim", "gs://kfslim") if numbers and numbers < [2, 5] else LOCAL


@dataclass(frozen=True)
class Artifact:
    """An artifact on this machine: ``path`` is a file or folder, None for one without content."""

    path: Path | None
    schema: str = "system.Artifact"
    version: str = "0.0.1"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""


@dataclass(frozen=True)
class Given:
    """Values for a step's inputs: parameters, and artifacts (lists have more than one)."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    artifacts: Mapping[str, tuple[Artifact, ...]] = field(default_factory=dict)

    def over(self, other: Given) -> Given:
        """Return these values, and those of ``other`` for what has none here."""
        return Given({**other.parameters, **self.parameters}, {**other.artifacts, **self.artifacts})


@dataclass(frozen=True)
class Ports:
    """The inputs and outputs of a component, as the compiled pipeline defines them."""

    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    artifacts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    out_parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    out_artifacts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, component: Mapping[str, Any]) -> Ports:
        """Read ``inputDefinitions`` and ``outputDefinitions`` of a component's spec."""
        ins = component.get("inputDefinitions") or {}
        outs = component.get("outputDefinitions") or {}
        return cls(
            ins.get("parameters") or {},
            ins.get("artifacts") or {},
            outs.get("parameters") or {},
            outs.get("artifacts") or {},
        )

    def lacking(self, given: Given) -> tuple[str, ...]:
        """Return the inputs that are neither given nor optional."""
        needed = {**self.parameters, **self.artifacts}
        known = {*given.parameters, *given.artifacts}
        return tuple(
            name
            for name, spec in needed.items()
            if name not in known and "defaultValue" not in spec and not spec.get("isOptional")
        )

    def stand_ins(self) -> Given:
        """Return a value of the right type for every input: enough to start, not to run."""
        parameters = {
            name: _STAND_INS.get(str(spec.get("parameterType")), "")
            for name, spec in self.parameters.items()
            if spec.get("parameterType") in _BACKENDS
            or ("defaultValue" not in spec and not spec.get("isOptional"))
        }
        artifacts = {
            name: (Artifact(None),)
            for name, spec in self.artifacts.items()
            if not spec.get("isOptional")
        }
        return Given(parameters, artifacts)


def executor_input(ports: Ports, given: Given, place: Place = LOCAL) -> dict[str, Any]:
    """Return what a launcher would pass as ``{{$}}``: see :func:`artifact_path` for the files."""
    inputs = {
        name: {"artifacts": [_artifact(ports, name, n, one, place) for n, one in enumerate(ones)]}
        for name, ones in given.artifacts.items()
    }
    parameters = {
        f"{name}": {"outputFile": f"{place.mount}/out/{name}"} for name in ports.out_parameters
    }
    outputs = {
        name: {"artifacts": [_empty(name, spec, place)]}
        for name, spec in ports.out_artifacts.items()
    }
    return {
        "inputs": {"parameterValues": parameter_values(ports, given), "artifacts": inputs},
        "outputs": {
            "parameters": parameters,
            "artifacts": outputs,
            "outputFile": f"{place.mount}/{OUTPUT_FILE}",
        },
    }


def parameter_values(ports: Ports, given: Given) -> dict[str, Any]:
    """Return the parameters, defaults included; whole numbers are integers where they must be."""
    defaults = {n: s["defaultValue"] for n, s in ports.parameters.items() if "defaultValue" in s}
    values = {**defaults, **given.parameters}
    return {
        name: int(value)
        if _is_integer(ports.parameters.get(name)) and isinstance(value, float)
        else value
        for name, value in values.items()
    }


def _is_integer(spec: Mapping[str, Any] | None) -> bool:
    return bool(spec) and (spec or {}).get("parameterType") == "NUMBER_INTEGER"


def artifact_path(name: str, number: int, artifact: Artifact) -> str:
    """Return where an input artifact lies below the mount; its file name (suffix) stays."""
    return f"in/{name}/{number}/{artifact.path.name if artifact.path else name}"


def _artifact(
    ports: Ports, name: str, number: int, artifact: Artifact, place: Place
) -> dict[str, Any]:
    wanted = (ports.artifacts.get(name) or {}).get("artifactType") or {}
    schema, version = artifact.schema, artifact.version
    if schema == "system.Artifact" and wanted:
        schema, version = wanted.get("schemaTitle", schema), wanted.get("schemaVersion", version)
    return {
        "name": artifact.name or name,
        "type": {"schemaTitle": schema, "schemaVersion": version},
        "uri": f"{place.uri}/{artifact_path(name, number, artifact)}",
        "metadata": dict(artifact.metadata),
    }


def _empty(name: str, spec: Mapping[str, Any], place: Place) -> dict[str, Any]:
    kind = spec.get("artifactType") or {"schemaTitle": "system.Artifact", "schemaVersion": "0.0.1"}
    return {"name": name, "type": dict(kind), "uri": f"{place.uri}/out/{name}", "metadata": {}}


def fill(words: Sequence[str], message: Mapping[str, Any], place: Place = LOCAL) -> list[str]:
    """Return a command with its placeholders filled from an executor input.

    ``{"IfPresent": …}`` and ``{"Concat": …}`` are understood as the backend understands them.
    """
    filled: list[str] = []
    for word in words:
        filled += [_fill_word(part, message, place) for part in _structured(word, message)]
    return filled


def _structured(word: str, message: Mapping[str, Any]) -> list[str]:
    if not word.startswith(('{"IfPresent":', '{"Concat":')):
        return [word]
    try:
        return _parts(json.loads(word), message)
    except (ValueError, KeyError, TypeError, AttributeError):
        return [word]


def _parts(value: Any, message: Mapping[str, Any]) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [part for one in value for part in _parts(one, message)]
    if value is None:
        return []
    if "Concat" in value:
        return ["".join(_parts(value["Concat"], message))]
    choice = value["IfPresent"]
    known = {**message["inputs"]["parameterValues"], **message["inputs"]["artifacts"]}
    return _parts(choice.get("Then" if choice["InputName"] in known else "Else"), message)


def _fill_word(word: str, message: Mapping[str, Any], place: Place) -> str:
    return _PLACEHOLDER.sub(lambda match: _value(match[1], message, place), word)


def _value(inside: str | None, message: Mapping[str, Any], place: Place) -> str:
    """Return what ``{{$.inside}}`` stands for; names that only a backend knows are ``trial``."""
    if not inside:
        return json.dumps(message)
    keys = [quoted or plain for quoted, plain in _KEYS.findall(inside)]
    if keys[:1] not in (["inputs"], ["outputs"]):
        return "trial"
    side = message[keys[0]]
    if keys[1:2] in (["output_file"], ["outputFile"]):
        return str(side["outputFile"])
    if keys[1:2] == ["parameters"] and keys[0] == "inputs":
        return _text(side["parameterValues"].get(keys[2]))
    if keys[1:2] == ["parameters"]:
        return str(side["parameters"].get(keys[2], {}).get("outputFile", ""))
    return _of_artifact(side["artifacts"].get(keys[2]), keys[3:], place)


def _of_artifact(found: Mapping[str, Any] | None, keys: Sequence[str], place: Place) -> str:
    one = found["artifacts"][0] if found and found["artifacts"] else {}
    if keys[:1] == ["path"]:
        return place.path(str(one.get("uri", "")))
    value: Any = one
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
