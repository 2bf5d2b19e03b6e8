"""Runs the real command line, and makes small compiled pipelines for it to chew on."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml

KFP = "2.17.0"
AS_DECLARED = ("--no-audit", "--no-trial")  # images with all that steps declare, none of them run
RUNNER = (
    'program_path=$(mktemp -d)\n\nprintf "%s" "$0" > "$program_path/ephemeral_component.py"\n'
    "_KFP_RUNTIME=true python3 -m kfp.dsl.executor_main --component_module_path "
    '"$program_path/ephemeral_component.py" "$@"\n'
)
_ENSURE_PIP = """
if ! [ -x "$(command -v pip)" ]; then
    python3 -m ensurepip || python3 -m ensurepip --user || apt-get install python3-pip
fi
"""
_STACK = re.compile(r"Traceback|^  File \"", re.MULTILINE)


def preamble(packages: Iterable[str]) -> str:
    """Return the run-time install of ``packages`` as the SDK writes it."""
    legacy = 'typing-extensions>=3.7.4,<5; python_version<"3.9"'
    wanted = [f"kfp=={KFP}", "--no-deps", legacy]
    installs = [_install(list(packages)), _install(wanted)] if packages else [_install(wanted)]
    return f'{_ENSURE_PIP}\nPIP_DISABLE_PIP_VERSION_CHECK=1 {" && ".join(installs)} && "$0" "$@"\n'


def every_step_declares(pipeline: Path, requirements: Iterable[str]) -> str:
    """Return a compiled pipeline of lightweight steps with ``requirements`` in every step."""
    documents = list(yaml.safe_load_all(pipeline.read_text()))
    for executor in documents[0]["deploymentSpec"]["executors"].values():
        executor["container"]["command"][2] = preamble(requirements)
    return yaml.safe_dump_all(documents, sort_keys=False)


def _install(words: list[str]) -> str:
    quoted = " ".join(f"'{word}'" for word in words)
    return f"python3 -m pip install --quiet --no-warn-script-location {quoted} "


def make_pipeline(
    steps: Mapping[str, Iterable[str]], image: str = "python:3.11", **bodies: str
) -> str:
    """Return a compiled pipeline of lightweight steps: name → packages to install.

    ``bodies`` are the sources of steps whose function does more than nothing.
    """
    executors, components, tasks = {}, {}, {}
    for name, packages in steps.items():
        source = bodies.get(name, f"def {name}():\n    pass\n")
        command = ["sh", "-c", preamble(packages), "sh", "-ec", RUNNER, source]
        args = ["--executor_input", "{{$}}", "--function_to_execute", name]
        executors[f"exec-{name}"] = {
            "container": {"args": args, "command": command, "image": image}
        }
        components[f"comp-{name}"] = {"executorLabel": f"exec-{name}"}
        tasks[name] = {"componentRef": {"name": f"comp-{name}"}, "taskInfo": {"name": name}}
    document = {
        "components": components,
        "deploymentSpec": {"executors": executors},
        "pipelineInfo": {"name": "small"},
        "root": {"dag": {"tasks": tasks}},
        "schemaVersion": "2.1.0",
        "sdkVersion": f"kfp-{KFP}",
    }
    return yaml.safe_dump(document, sort_keys=False)


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "kfslim", *map(str, arguments)]


def run(
    *arguments: object, cache: Path, timeout: float = 300, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does, on the cache folder ``cache``."""
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, "KFSLIM_CACHE_DIR": str(cache), **environ},
    )


def run_here(*arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in this process: quicker, where no process needs to end."""
    from kfslim.cli.main import run as run_line

    out, err, words = io.StringIO(), io.StringIO(), [str(word) for word in arguments]
    with mock.patch.dict(os.environ, environ), redirect_stdout(out), redirect_stderr(err):
        code = run_line(words)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def result(*arguments: object, cache: Path, **more: Any) -> Any:
    """Run with ``--json``; return what stdout holds, which must be JSON and nothing else."""
    done = run(*arguments, "--json", cache=cache, **more)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


def check_refused(done: subprocess.CompletedProcess[str], code: int, says: str = "") -> None:
    """Assert that a command ended with ``code``, one sentence on stderr and nothing on stdout.

    The sentence is a line that begins with ``kfslim:``; a hint may follow on a line of its own.
    """
    stderr = done.stderr
    assert done.returncode == code, f"{done.returncode}: {stderr}"
    assert not done.stdout, done.stdout
    assert not _STACK.search(stderr), stderr
    assert "This is a bug" not in stderr, stderr
    lines = stderr.splitlines()
    at = next((i for i, line in enumerate(lines) if line.startswith("kfslim: ")), None)
    assert at is not None, f"no sentence: {stderr}"
    assert len(lines) - at <= 2, f"more than a sentence and a hint: {stderr}"
    assert all(line.startswith("        ") for line in lines[at + 1 :]), stderr
    assert re.search(says, lines[at]), f"{says!r} is not in {stderr}"


def shared_cache(factory: pytest.TempPathFactory) -> Path:
    """Return one cache folder for all test files of a run, whatever process they run in."""
    base = factory.getbasetemp()
    return (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "shared-cache"
