"""Runs compiled pipelines with kfp.local on Docker Engine."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest import mock


def run_pipeline(
    path: Path, root: Path, arguments: Mapping[str, Any] | None = None, **options: Any
) -> Path:
    """Run the pipeline in ``path``; return the folder with a sub-folder per task.

    ``options`` are of ``docker run``; without any there is no network.

    Raises:
        RuntimeError: a task failed.
    """
    from kfp import local
    from kfp.components import load_component_from_file

    options = options or {"network_mode": "none"}
    runner = local.DockerRunner(**options, user=f"{os.getuid()}:{os.getgid()}")
    root.mkdir(parents=True, exist_ok=True)
    before = set(root.iterdir())
    local.init(runner, pipeline_root=str(root), raise_on_error=True)
    with _patient_with_others():
        load_component_from_file(str(path))(**(arguments or {}))
    (run,) = set(root.iterdir()) - before
    return run


@contextmanager
def _patient_with_others() -> Iterator[None]:
    """Let kfp.local list images while other tests remove theirs from the same engine.

    docker-py lists ids and then asks for each: one that went meanwhile is an error to it.
    """
    from docker.errors import ImageNotFound
    from docker.models.images import ImageCollection

    once = ImageCollection.list

    def until_it_holds(self: Any, *args: Any, **more: Any) -> Any:
        for _ in range(20):
            with suppress(ImageNotFound):
                return once(self, *args, **more)
        return once(self, *args, **more)

    with mock.patch.object(ImageCollection, "list", until_it_holds):
        yield


def ending_of(
    path: Path, root: Path, arguments: Mapping[str, Any], options: Mapping[str, Any]
) -> str:
    """Run the pipeline in a process of its own; return "success" or the error's kind.

    A pipeline that fails leaves the log of kfp.local indented, for all later ones in the process.
    """
    with ProcessPoolExecutor(1, get_context("spawn")) as processes:
        return processes.submit(_try, path, root, arguments, options).result()


def _try(path: Path, root: Path, arguments: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    try:
        run_pipeline(path, root, arguments, **options)
    except Exception as error:  # whatever kfp.local raises
        return type(error).__name__
    return "success"


def outputs(run: Path) -> dict[str, dict[str, Any]]:
    """Return the output parameters of every task that ran, by its path below ``run``.

    A container that vanished counts as success for kfp.local; here it is missing.
    """
    files = sorted(run.rglob("executor_output.json"))
    return {
        str(file.parent.relative_to(run)): json.loads(file.read_text()).get("parameterValues", {})
        for file in files
    }
