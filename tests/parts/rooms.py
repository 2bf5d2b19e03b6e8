"""Where trials by a task run: in folders that stand for an image, and in containers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

from kfslim.trial.task import BOOTSTRAP, PLACE, Question

COMPONENT = Path(__file__).parents[2] / "components" / "trial" / "component.yaml"


def make_room(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Make a virtual environment with ``files`` in its site-packages; return its ``bin``."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (site,) = folder.glob("lib/python3.*/site-packages")
    for path, data in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_bytes(data)
    return folder / "bin"


def visit(room: Path, question: Question, folder: Path) -> Path:
    """Run the trial's task in ``room`` as a pod runs it in a container; return its outputs.

    The trial's own folder is below ``folder``, so that two of them may run at the same time.
    """
    text = question.model_dump_json().replace(PLACE.mount, str(folder / "mount"))
    (folder / "question").write_text(text)
    metrics = {"name": "metrics", "uri": str(folder / "metrics"), "metadata": {}}
    outputs = {
        "artifacts": {"metrics": {"artifacts": [metrics]}},
        "outputFile": str(folder / "told" / "executor_output.json"),
    }
    message = json.dumps({"outputs": outputs})
    paths = [folder / name for name in ("question", "answer", "summary", "report")]
    subprocess.run(
        [room / "python3", "-I", "-c", BOOTSTRAP, *paths, message],
        env={"PATH": f"{room}:{os.environ['PATH']}", "HOME": str(folder)},
        check=True,
        cwd=folder,
    )
    return folder


def pinned_twin(folder: Path, image: str, question: Path) -> Path:
    """Compile a pipeline that runs the compiled component on one image; return its file.

    kfp.local resolves no dynamic image.  ``question`` must lie below the root of the run.
    """
    from kfp import compiler, dsl
    from kfp.components import load_component_from_file

    component = yaml.safe_load(COMPONENT.read_text())
    component["deploymentSpec"]["executors"]["exec-trial"]["container"]["image"] = image
    (folder / "trial.yaml").write_text(yaml.safe_dump(component))
    trial = load_component_from_file(str(folder / "trial.yaml"))

    @dsl.pipeline(name="twin")
    def twin():
        asked = dsl.importer(artifact_uri=str(question), artifact_class=dsl.Artifact)
        trial(question=asked.output)

    compiler.Compiler().compile(twin, str(folder / "twin.yaml"))
    return folder / "twin.yaml"
