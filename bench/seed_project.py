"""A project like the seed's: the article's two Dockerfiles and lists around the example's steps.

Its six steps declare one requirements file, as those of a pipeline with one image do, and use the
project's own package.  Around it lies what lies around projects: version control, a virtual
environment, data, caches, and a file of secrets (not real ones).
"""

from __future__ import annotations

import ast
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml
from parts.command import every_step_declares

from bench.workspace import EXAMPLE, ROOT, SEED_LIST
from kfslim.lock.uv import find_uv

FIRST_LIST = ROOT / "pipelines/retrain/requirements.before.txt"
LAST_LIST = SEED_LIST
STOP = "RETRAINING_STOP"  # set: a step ends at the first line of its own code
_SOURCE = 6  # sh -c PREAMBLE sh -ec RUNNER SOURCE
DATA_BYTES = 8_000_000

FIRST = """\
FROM python:3.11-slim
RUN apt-get update && apt-get install -y git && apt-get clean
WORKDIR /app
COPY . .
RUN pip install --no-cache-dir -r requirements.txt
RUN pip install --no-cache-dir .
"""
LAST = """\
FROM python:3.11-slim AS builder
WORKDIR /install
COPY requirements.txt .
RUN pip install --prefix=/install --no-cache-dir -r requirements.txt

FROM python:3.11-slim
WORKDIR /app
COPY --from=builder /install /usr/local
COPY setup.py .
COPY src/ ./src/
COPY _feast/ ./_feast/
COPY _kubeflow/ ./_kubeflow/
COPY _mlflow/ ./_mlflow/
RUN pip install --no-cache-dir .
"""
IGNORED = ".git\nvenv/\n.venv/\n.env\n__pycache__\n"  # what the article names
FILES = {
    ".env": "DATABASE_URL=postgresql://retrain:not-a-real-one@db.example.com/features\n",
    "setup.py": """from setuptools import find_packages, setup

setup(name="retraining", version="1.0", package_dir={"": "src"}, packages=find_packages("src"))
""",
    "pyproject.toml": '[build-system]\nrequires = ["setuptools"]\n'
    'build-backend = "setuptools.build_meta"\n',
    "kfslim.toml": 'projects = ["src"]\n',
    "src/retraining/__init__.py": '"""What all steps share."""\n',
    "src/retraining/start.py": f'''"""The first line of every step's own code."""

import os


def started(step: str) -> None:
    """Say that ``step`` begins its work."""
    print("started", step, flush=True)
    if os.environ.get("{STOP}"):
        os._exit(0)
''',
    "src/retraining/settings.py": "MINIMUM_ROC_AUC = 0.98\n",
    "_feast/feature_store.yaml": "project: retraining\nprovider: local\n",
    "_mlflow/MLproject": "name: retraining\n",
}


class Project:
    """The project in ``folder``; ``pipeline`` is its compiled pipeline."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pipeline = folder / "_kubeflow/pipeline.yaml"

    def declare(self, text: str) -> None:
        """Make ``text`` the requirements file, and what every step declares."""
        (self.folder / "requirements.txt").write_text(text)
        self.pipeline.parent.mkdir(exist_ok=True)
        self.pipeline.write_text(_begun(every_step_declares(EXAMPLE, requirements(text))))

    def change_code(self) -> None:
        """Change one file of the project's package."""
        with (self.folder / "src/retraining/settings.py").open("a") as file:
            file.write("MINIMUM_ROWS = 500\n")


def requirements(text: str) -> list[str]:
    """Return the lines of a requirements file that declare something."""
    return [line.strip() for line in text.splitlines() if line.strip() and line[0] != "#"]


def make_project(folder: Path) -> Project:
    """Make the project anew in ``folder``; which Dockerfile and list it has is the caller's."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    data = folder / "data/customers.bin"
    data.parent.mkdir()
    data.write_bytes(random.Random(7).randbytes(DATA_BYTES))
    uv = find_uv()
    _run(folder, "git", "init", "--quiet")
    _run(folder, "git", "add", "src", "data", "setup.py", "pyproject.toml")
    _run(folder, "git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com",
         "commit", "--quiet", "-m", "Begin")  # fmt: skip
    _run(folder, uv, "venv", "--quiet", "--no-project", "--python", "3.11", "venv")
    _run(folder, uv, "pip", "install", "--quiet", "--python", "venv/bin/python",
         "--link-mode", "copy", "pytest", "ruff")  # fmt: skip
    _run(folder, "python3", "-m", "compileall", "-q", "src")
    return Project(folder)


def _begun(text: str) -> str:
    """Return the pipeline with a first line in every step, which the project's package says."""
    documents = list(yaml.safe_load_all(text))
    for label, executor in documents[0]["deploymentSpec"]["executors"].items():
        words = executor["container"]["command"]
        words[_SOURCE] = first_line(words[_SOURCE], label.removeprefix("exec-"))
    return yaml.safe_dump_all(documents, sort_keys=False)


def first_line(source: str, step: str) -> str:
    """Return a step's source that says, when its imports are done, that it has begun.

    >>> print(first_line("def work():\\n    import json\\n    json.loads('1')\\n", "work"))
    def work():
        import json
        from retraining.start import started; started('work')
        json.loads('1')
    <BLANKLINE>
    """
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    after = _last_import(functions[-1])
    lines = source.splitlines(keepends=True)
    lines.insert(after, f"    from retraining.start import started; started({step!r})\n")
    return "".join(lines)


def _last_import(function: ast.FunctionDef) -> int:
    """Return the number of the line after which a function's own imports are done."""
    found = [s for s in function.body if isinstance(s, ast.Import | ast.ImportFrom)]
    last: Any = found[-1] if found else function.body[0]
    return int(last.end_lineno)


def _run(folder: Path, *words: str) -> None:
    subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL)
