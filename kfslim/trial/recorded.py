"""A step's inputs as a folder, so that it can be run again without the steps before it.

::

    parameters.json          {"name": value, …}
    artifacts.json           {"name": [{"schema", "version", "metadata", "name", "path"}, …], …}
    artifacts/NAME/N/FILE    the content; ``path`` is relative to the folder
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from kfslim.errors import BadConfig
from kfslim.files import disk_errors, write_atomic
from kfslim.trial.inputs import Artifact, Given
from kfslim.trial.left import files_left, open_left


def write_inputs(folder: Path, given: Given) -> None:
    """Write the inputs; what is there of an earlier record is replaced.

    Raises:
        DiskError: the folder cannot be written.
    """
    with disk_errors("recording the inputs of a step"):
        shutil.rmtree(folder / "artifacts", ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        listed = {
            name: [_record(folder, name, n, one) for n, one in enumerate(ones)]
            for name, ones in sorted(given.artifacts.items())
        }
        write_atomic(folder / "artifacts.json", _text(listed))
        write_atomic(folder / "parameters.json", _text(dict(given.parameters)))


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, sort_keys=True) + "\n"


def _record(folder: Path, name: str, number: int, artifact: Artifact) -> dict[str, Any]:
    path = ""
    if artifact.path:
        path = f"artifacts/{name}/{number}/{artifact.path.name}"
        copy_left(artifact.path, folder / path)
    return {
        "schema": artifact.schema,
        "version": artifact.version,
        "metadata": dict(artifact.metadata),
        "name": artifact.name,
        "path": path,
    }


def read_inputs(folder: Path) -> Given:
    """Read what :func:`write_inputs` wrote.

    Raises:
        BadConfig: the folder holds no recorded inputs.
    """
    try:
        parameters = json.loads((folder / "parameters.json").read_text())
        listed = json.loads((folder / "artifacts.json").read_text())
        artifacts = {n: tuple(_artifact(folder, one) for one in ones) for n, ones in listed.items()}
        return Given(dict(parameters), artifacts)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadConfig(
            f"{folder} holds no recorded inputs: {error}",
            hint="Record them with: kfslim trial PIPELINE --record FOLDER",
        ) from error


def _artifact(folder: Path, one: dict[str, Any]) -> Artifact:
    path = folder / one["path"] if one["path"] else None
    if path and not path.exists():
        raise ValueError(f"{one['path']} is missing")
    return Artifact(path, one["schema"], one["version"], one["metadata"], one["name"])


def copy_left(source: Path, target: Path) -> None:
    """Copy a file or folder that a run may have left: regular files only, no link followed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir() and not source.is_symlink():
        target.mkdir(exist_ok=True)
    for name in files_left(source.parent, source.name):
        inside = name.removeprefix(source.name).strip("/")
        opened = open_left(source.parent, name)
        if opened:
            to = target / inside if inside else target
            to.parent.mkdir(parents=True, exist_ok=True)
            with opened, to.open("wb") as out:
                shutil.copyfileobj(opened, out, 1 << 20)
