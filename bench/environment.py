"""A virtual environment with the requirements of one labelled step, to take some out of."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from parts.labelled import Case

from kfslim.lock.uv import find_uv

PYTHON = "3.11"
SECONDS = 60  # the bound of one run of a step


class Environment:
    """The requirements, installed below ``folder`` with uv (hard links into uv's own cache).

    The path is the same for every case, so that bytecode, kept beside, serves them all: a second
    import of pandas costs a fraction of the first.
    """

    def __init__(self, folder: Path, requirements: Iterable[str]) -> None:
        self.folder = folder
        self.venv = folder / "venv"
        self.python = self.venv / "bin/python"
        self.requirements = tuple(requirements)
        (folder / "home").mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.venv, ignore_errors=True)
        uv("venv", "--python", PYTHON, "--no-project", self.venv)
        uv("pip", "install", "--python", self.python, *self.requirements)
        site = self.venv / f"lib/python{PYTHON}/site-packages"
        found = {canonicalize_name(d.metadata["Name"]): d for d in distributions(path=[str(site)])}
        self.pins = {name: f"{name}=={d.version}" for name, d in found.items()}
        self.requires = {name: tuple(d.requires or ()) for name, d in found.items()}
        self.disk_bytes = {name: _disk_bytes(d) for name, d in found.items()}

    def closure(self, requirements: Iterable[str]) -> frozenset[str]:
        """Return the names of all that these requirements bring, by METADATA."""
        todo = [Requirement(text) for text in requirements]
        todo = [r for r in todo if holds(r)]
        found: set[tuple[str, str]] = set()
        while todo:
            wanted = todo.pop()
            name = canonicalize_name(wanted.name)
            for extra in {"", *wanted.extras}:
                if (name, extra) in found or name not in self.requires:
                    continue
                found.add((name, extra))
                lines = map(Requirement, self.requires[name])
                todo += [line for line in lines if holds(line, extra)]
        return frozenset(name for name, _ in found)

    def bytes_of(self, names: Iterable[str]) -> int:
        """Return the disk size of distributions."""
        return sum(self.disk_bytes[name] for name in names)

    @contextmanager
    def without(self, names: Collection[str]) -> Iterator[None]:
        """Take distributions out, and put them back."""
        if names:
            uv("pip", "uninstall", "--python", self.python, *names)
        try:
            yield
        finally:
            if pins := [self.pins[name] for name in names]:
                uv("pip", "install", "--python", self.python, "--no-deps", *pins)

    def run(self, case: Case) -> tuple[bool, str]:
        """Run the step in a copy of its folder; return whether it passed, and what it said."""
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            copy = shutil.copytree(case.folder, Path(scratch) / case.name)
            try:
                ended = subprocess.run(
                    [self.python, "run.py"],
                    cwd=copy,
                    env=self._variables(case),
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    errors="replace",
                    timeout=SECONDS,
                )
            except subprocess.TimeoutExpired:
                return False, f"no end after {SECONDS} s"
        return ended.returncode == 0, ended.stderr

    def _variables(self, case: Case) -> dict[str, str]:
        return {
            "PATH": str(self.venv / "bin"),  # not the machine's own programs
            "HOME": str(self.folder / "home"),
            "PYTHONPATH": str(case.folder.parent / "beside"),
            "PYTHONPYCACHEPREFIX": str(self.folder / "bytecode"),
            "LANG": "C.UTF-8",
            "OMP_NUM_THREADS": "1",
        }


def holds(requirement: Requirement, extra: str = "") -> bool:
    """Tell whether a requirement's marker holds on Linux for ``extra``."""
    environment = {**default_environment(), "python_version": PYTHON, "extra": extra}
    return requirement.marker is None or requirement.marker.evaluate(environment)


def uv(*arguments: str | Path) -> None:
    """Run uv with the user's own cache.

    Raises:
        RuntimeError: it failed; with what it said.
    """
    command = [find_uv(), *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, env=_own_variables())
    if ended.returncode:
        raise RuntimeError(f"uv {arguments[0]} {arguments[1]}: {ended.stderr.strip()[-2000:]}")


def _own_variables() -> dict[str, str]:
    """Return the environment without an active virtual environment."""
    return {key: value for key, value in os.environ.items() if not re.match("VIRTUAL_ENV", key)}


def _disk_bytes(distribution: Distribution) -> int:
    files = (Path(str(file.locate())) for file in distribution.files or ())
    return sum(file.stat().st_size for file in files if file.is_file())
