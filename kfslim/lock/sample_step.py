"""Runs a step that uses what a KFP executor offers, and tells which files of kfp were read.

Started by ``lock.executor`` as a program of its own, with the standard library only::

    python -I -S -B sample_step.py SITE_PACKAGES EMPTY_FOLDER

It prints a JSON object: ``modules`` (paths relative to SITE_PACKAGES) and ``outputs`` (what the
executor wrote).  Nothing is written to SITE_PACKAGES.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import runpy
import sys
from pathlib import Path
from typing import Any

# As the compiler wraps a component (kfp.dsl.component_factory), from SDK 2.0 to 2.17.
SOURCE = """
import kfp
from kfp import dsl
from kfp.dsl import *
from typing import *
from collections import namedtuple


def sample(
    data: Input[Dataset],
    models: Input[List[Model]],
    raw: InputPath("Dataset"),
    text: str,
    number: int,
    ratio: float,
    flag: bool,
    info: dict,
    names: list,
    status: PipelineTaskFinalStatus,
    trained: Output[Model],
    metrics: Output[Metrics],
    classes: Output[ClassificationMetrics],
    sliced: Output[SlicedClassificationMetrics],
    page: Output[HTML],
    notes: Output[Markdown],
    table: OutputPath("Dataset"),
    said: OutputPath(str),
    maybe: Optional[str] = None,
    typed: Dict[str, int] = {},
    listed: List[str] = [],
) -> NamedTuple("Outputs", [("total", int), ("words", list), ("facts", dict), ("made", Artifact)]):
    with open(data.path) as one, open(raw) as two:
        assert one.read() == two.read() == "x"
    assert [model.metadata["n"] for model in models] == [1, 2]
    assert status.state == "SUCCEEDED" and flag is True and ratio == 0.5
    metrics.log_metric("accuracy", 0.9)
    classes.log_roc_curve([0.0, 1.0], [0.0, 1.0], [1.0, 0.0])
    classes.set_confusion_matrix_categories(["a", "b"])
    classes.log_confusion_matrix(["a", "b"], [[1, 2], [3, 4]])
    trained.metadata["framework"] = dsl.PIPELINE_JOB_ID_PLACEHOLDER
    for path in (trained.path, page.path, notes.path, table, said):
        with open(path, "w") as out:
            out.write(text)
    outputs = namedtuple("Outputs", ["total", "words", "facts", "made"])
    return outputs(number + len(names), sorted(info), typed, "written by the executor")


def single(text: str) -> str:
    return text.upper()
"""


def run_sample(work: Path) -> dict[str, Any]:
    """Run both functions of ``SOURCE``; return what the executor wrote for each."""
    (work / "in").mkdir()
    (work / "in" / "data").write_text("x")
    source = work / "component.py"
    source.write_text(SOURCE)
    return {
        name: _execute(source, name, {**inputs, "outputs": outputs}, work / name)
        for name, inputs, outputs in (
            ("sample", _inputs(work), _outputs(work / "sample")),
            ("single", {"inputs": {"parameterValues": {"text": "a"}}}, _single(work / "single")),
        )
    }


def _execute(source: Path, function: str, executor_input: dict[str, Any], out: Path) -> Any:
    sys.argv = [
        "executor_main",
        "--component_module_path",
        str(source),
        "--executor_input",
        json.dumps(executor_input),
        "--function_to_execute",
        function,
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        runpy.run_module("kfp.dsl.executor_main", run_name="__main__", alter_sys=True)
    return json.loads((out / "executor_output.json").read_text())


def _artifact(name: str, kind: str, path: Path, n: int = 0) -> dict[str, Any]:
    schema = {"schemaTitle": f"system.{kind}", "schemaVersion": "0.0.1"}
    return {"name": name, "type": schema, "uri": f"gs:/{path}", "metadata": {"n": n}}


def _inputs(work: Path) -> dict[str, Any]:
    data = work / "in" / "data"
    artifacts = {
        "data": [_artifact("data", "Dataset", data)],
        "raw": [_artifact("raw", "Dataset", data)],
        "models": [_artifact("m1", "Model", data, 1), _artifact("m2", "Model", data, 2)],
    }
    parameters = {
        "text": "hello",
        "number": 3,
        "ratio": 0.5,
        "flag": True,
        "info": {"b": 1, "a": 2},
        "names": ["x"],
        "typed": {"k": 1},
        "listed": ["y"],
        "status": {
            "state": "SUCCEEDED",
            "pipelineJobResourceName": "job",
            "pipelineTaskName": "task",
            "error": {"code": 0, "message": ""},
        },
    }
    listed = {name: {"artifacts": found} for name, found in artifacts.items()}
    return {"inputs": {"parameterValues": parameters, "artifacts": listed}}


def _outputs(out: Path) -> dict[str, Any]:
    kinds = {
        "trained": "Model",
        "metrics": "Metrics",
        "classes": "ClassificationMetrics",
        "sliced": "SlicedClassificationMetrics",
        "page": "HTML",
        "notes": "Markdown",
        "table": "Dataset",
        "made": "Artifact",
    }
    artifacts = {
        name: {"artifacts": [_artifact(name, kind, out / name)]} for name, kind in kinds.items()
    }
    names = ("said", "total", "words", "facts")
    parameters = {name: {"outputFile": str(out / name)} for name in names}
    file = str(out / "executor_output.json")
    return {"parameters": parameters, "artifacts": artifacts, "outputFile": file}


def _single(out: Path) -> dict[str, Any]:
    file = str(out / "executor_output.json")
    return {"parameters": {"Output": {"outputFile": str(out / "Output")}}, "outputFile": file}


def _mount_storage_at_root() -> None:
    """Let ``gs://tmp/x`` be the file ``/tmp/x``: before SDK 2.5 a local URI has no path at all."""
    # By name: this is the traced kfp, which has nothing to do with one that kfslim may use.
    artifact_types: Any = importlib.import_module("kfp.dsl.types.artifact_types")
    artifact_types._GCS_LOCAL_MOUNT_PREFIX = "/"


def main(site: Path, work: Path) -> None:
    """Trace the sample and print the result."""
    opened: set[str] = set()

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str):
            opened.add(arguments[0])

    sys.addaudithook(watch)
    sys.path.insert(0, str(site))
    os.environ["_KFP_RUNTIME"] = "true"
    _mount_storage_at_root()
    outputs = run_sample(work)
    # A module read from elsewhere than a plain file is missed by the hook.
    opened |= {str(getattr(module, "__file__", "")) for module in list(sys.modules.values())}
    inside = {Path(path) for path in opened if path.startswith(f"{site}/")}
    modules = sorted(path.relative_to(site).as_posix() for path in inside if path.is_file())
    print(json.dumps({"modules": modules, "outputs": outputs}))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
