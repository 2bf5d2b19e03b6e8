"""Compiled pipelines (KFP IR YAML) → :class:`Pipeline`.

The text is parsed as YAML, then as the protobuf messages of ``pipeline_spec.proto``, so that what
is read here is what the backend would read.  Fields of newer SDKs are passed over.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from kfslim.errors import BadPipeline
from kfslim.steps.executors import read_step
from kfslim.steps.model import Pipeline
from kfslim.steps.order import run_order

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is ten times faster
_SDK_HINT = "Compile it with the KFP SDK 2: kfp.compiler.Compiler().compile(pipeline, 'out.yaml')."


def read_pipeline(text: str, where: str = "") -> Pipeline:
    """Read a compiled pipeline; ``where`` (a file name) begins every error message.

    Steps that cannot be slimmed carry the reason in ``left_alone``.

    Raises:
        BadPipeline: not YAML, no KFP v2 pipeline, or a broken one.
    """
    place = f"{where}: " if where else ""
    written = load_documents(text, where)[0]
    _check_pipeline(written, text, place)
    spec, executors = _parse_messages(written, place)
    sdk = spec.get("sdkVersion", "").removeprefix("kfp-")
    tasks = _tasks_by_executor(spec)
    labels = [label for label in written["deploymentSpec"]["executors"] if label in executors]
    labels = run_order(written, labels)
    names = _names(labels)
    return Pipeline(
        name=spec["pipelineInfo"]["name"],
        sdk_version=sdk,
        steps=tuple(
            read_step(label, names[label], executors[label], tasks.get(label, ()), sdk)
            for label in labels
        ),
    )


def load_documents(text: str, where: str = "") -> list[dict[str, Any]]:
    """Return the YAML documents of a pipeline file: the pipeline, and perhaps its platforms.

    Raises:
        BadPipeline: not YAML, empty, or not mappings.
    """
    place = f"{where}: " if where else ""
    try:
        documents = [d for d in yaml.load_all(text, Loader) if d is not None]
    except yaml.YAMLError as error:
        raise BadPipeline(f"{place}not YAML: {_yaml_problem(error)}") from error
    except (RecursionError, ValueError) as error:
        raise BadPipeline(f"{place}not YAML that can be read: {error}") from error
    if not documents:
        raise BadPipeline(f"{place}the file is empty", hint=_SDK_HINT)
    if not all(isinstance(document, dict) for document in documents):
        raise BadPipeline(f"{place}not a compiled pipeline: it holds no mapping", hint=_SDK_HINT)
    return documents


def _yaml_problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "malformed"
    return f"line {mark.line + 1}: {problem}" if mark else str(problem)


def _check_pipeline(spec: Mapping[str, Any], text: str, place: str) -> None:
    """Say what else a file is that is no v2 pipeline, or which necessary key it lacks."""
    if str(spec.get("apiVersion", "")).startswith("argoproj.io/"):
        raise BadPipeline(f"{place}a KFP v1 (Argo) pipeline; kfslim reads v2", hint=_SDK_HINT)
    if "implementation" in spec:
        raise BadPipeline(f"{place}a component definition, not a compiled pipeline", hint=_SDK_HINT)
    for path in (("pipelineInfo", "name"), ("root",), ("deploymentSpec", "executors")):
        value: Any = spec
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        if not value:
            missing = ".".join(path)
            line = _line_of(text, path[0])
            raise BadPipeline(
                f"{place}{line}not a complete KFP v2 pipeline: {missing} is missing or empty",
                hint=_SDK_HINT,
            )


def _line_of(text: str, key: str) -> str:
    """``line 21: `` for a top-level key; empty where it does not occur."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(f"{key}:"):
            return f"line {number}: "
    return ""


def _parse_messages(
    written: Mapping[str, Any], place: str
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return the pipeline and its executors by label, as the backend's messages understand them.

    What they do not know is gone; what is left has the types that ``pipeline_spec.proto`` gives it.
    """
    from google.protobuf import json_format

    pb2 = _pipeline_spec_pb2()
    parse, show = json_format.ParseDict, json_format.MessageToDict
    try:
        spec = parse(written, pb2.PipelineSpec(), ignore_unknown_fields=True)
        deployment = parse(
            show(spec.deployment_spec), pb2.PipelineDeploymentConfig(), ignore_unknown_fields=True
        )
        pipeline, executors = show(spec), show(deployment).get("executors", {})
    except (json_format.Error, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise BadPipeline(f"{place}a broken KFP v2 pipeline: {_one_line(error)}") from error
    root = pipeline.get("root", {})
    if not ("dag" in root or "executorLabel" in root) or not executors:
        raise BadPipeline(f"{place}a broken KFP v2 pipeline: root or the executors have no content")
    return pipeline, executors


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300].rstrip(".")


@cache
def _pipeline_spec_pb2() -> ModuleType:
    """Return the generated messages without importing kfp itself, which takes 1.5 seconds.

    ``kfp/pipeline_spec`` comes from a distribution of its own and imports nothing of kfp; the
    message types are the same objects that kfp gets when it is imported too.
    """
    if "kfp" not in sys.modules and (kfp := importlib.util.find_spec("kfp")):
        for folder in kfp.submodule_search_locations or ():
            path = Path(folder) / "pipeline_spec" / "pipeline_spec_pb2.py"
            spec = importlib.util.spec_from_file_location("kfslim._pipeline_spec_pb2", path)
            if path.is_file() and spec and spec.loader:
                module = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(module)
                return module
    from kfp.pipeline_spec import pipeline_spec_pb2

    found: ModuleType = pipeline_spec_pb2
    return found


def _tasks_by_executor(spec: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Map executor labels to the tasks that run on them, as ``component/task``, in file order."""
    components = spec.get("components") or {}
    found: dict[str, tuple[str, ...]] = {}
    for name, component in [*components.items(), ("root", spec["root"])]:
        for task, body in ((component.get("dag") or {}).get("tasks") or {}).items():
            runs = components.get((body.get("componentRef") or {}).get("name")) or {}
            if label := runs.get("executorLabel"):
                found[label] = (*found.get(label, ()), f"{name}/{task}")
    return found


def _names(labels: list[str]) -> dict[str, str]:
    """Name each executor: its label without ``exec-``, unless that is another one's label."""
    return {
        label: label if (short := label.removeprefix("exec-")) in labels else short
        for label in labels
    }
