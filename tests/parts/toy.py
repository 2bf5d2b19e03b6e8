"""A world of its own for the command line: a base, an index and a pipeline, all in one folder.

Nothing is asked of any network: the index is a folder, the base an OCI layout whose Python is only
a name.  So what goes wrong is what a test made go wrong.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from parts.command import AS_DECLARED, run, run_here
from parts.images import make_image
from parts.wheels import Index

from kfslim.oci import Image, open_store

PYTHON = {
    "usr/bin/python3": b"\x7fELF, but not really",
    "usr/lib/python3.11/encodings/__init__.py": b"",
    "lib64/ld-linux-x86-64.so.2": b"\x7fELF, but not really",
}
CONFIG = """\
base = "oci:{folder}/base:toy"
bytecode = "none"
[steps.one]
requirements = ["alpha==1.0"]
[steps.two]
requirements = ["alpha==1.0", "beta"]
"""


def container_pipeline(*names: str, image: str = "registry.invalid/old:1") -> str:
    """Return a compiled pipeline of container steps."""
    containers = {f"exec-{n}": {"container": {"image": image, "command": ["run"]}} for n in names}
    tasks = {name: {"componentRef": {"name": f"comp-{name}"}} for name in names}
    document = {
        "components": {f"comp-{name}": {"executorLabel": f"exec-{name}"} for name in names},
        "deploymentSpec": {"executors": containers},
        "pipelineInfo": {"name": "toy"},
        "root": {"dag": {"tasks": tasks}},
        "schemaVersion": "2.1.0",
        "sdkVersion": "kfp-2.17.0",
    }
    return yaml.safe_dump(document, sort_keys=False)


def make_base(*trees: Mapping[str, bytes]) -> Image:
    """Return an image with a Python to look at, and ``trees`` as layers on top."""
    return make_image(PYTHON, *trees, Env=["PYTHON_VERSION=3.11.2"])


@dataclass(frozen=True)
class Toy:
    """The folder and what lies in it."""

    folder: Path
    index: Index

    @classmethod
    def make(cls, folder: Path) -> Toy:
        index = Index(folder / "index")
        index.wheel("alpha", "1.0", {"alpha/__init__.py": os.urandom(3000).hex().encode()})
        index.wheel("beta", "2.0", {"beta.py": b"BETA = 2\n"}, requires=("gamma",))
        index.wheel("gamma", "0.1")
        open_store(f"oci:{folder}/base").write(make_base(), "toy")
        (folder / "kfslim.toml").write_text(CONFIG.format(folder=folder))
        (folder / "pipeline.yaml").write_text(container_pipeline("one", "two"))
        return cls(folder, index)

    @property
    def pipeline(self) -> Path:
        return self.folder / "pipeline.yaml"

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    @property
    def output(self) -> Path:
        return self.folder / "slim.yaml"

    @property
    def plan(self) -> Path:
        return self.folder / "plan.json"

    @property
    def images(self) -> str:
        return f"oci:{self.folder}/images"

    def slim(self, to: str = "", *more: object) -> tuple[object, ...]:
        """Return the arguments that slim the pipeline; ``to`` is a layout here by default."""
        places = ("--to", to or self.images, "-o", self.output, "--plan", self.plan)
        return (
            "slim",
            self.pipeline,
            "--no-before",
            *AS_DECLARED,
            "--python",
            "3.11",
            *places,
            *more,
        )

    def run(self, *arguments: object, **more: Any) -> subprocess.CompletedProcess[str]:
        """Run the command line in a process of its own."""
        return run(*arguments, **{"cache": self.cache, **self.environ, **more})

    def here(self, *arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run the command line in this process."""
        places = {"KFSLIM_CACHE_DIR": str(self.cache), **self.environ}
        return run_here(*arguments, **places, **environ)

    def result(self, *arguments: object) -> Any:
        """Run with ``--json``; return what stdout holds."""
        done = self.here(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    @property
    def environ(self) -> dict[str, str]:
        return {"UV_DEFAULT_INDEX": self.index.url}

    @property
    def left(self) -> set[str]:
        """What a run left beside the inputs and the cache, temporary files included."""
        inputs = {"index", "base", "cache", "kfslim.toml", "pipeline.yaml"}
        return {path.name for path in self.folder.iterdir()} - inputs
