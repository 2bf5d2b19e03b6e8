"""A Docker Engine of the benchmark's own: nothing in it, nobody else in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from parts.need import program, wait_until
from parts.real_engine import answers

from bench.later import remove_later
from bench.process import Ran, run

_SYSTEM = "/usr/sbin:/sbin"  # dockerd looks for containerd and runc on PATH
# Debian's client can do BuildKit without the buildx plugin that newer clients want.
_CLIENTS = ("/usr/bin/docker", "docker")


class Docker:
    """A client of the engine at ``host``."""

    def __init__(self, host: str) -> None:
        self.host = host
        self._client = next(found for name in _CLIENTS if (found := shutil.which(name)))

    def __call__(self, *arguments: str | Path, buildkit: bool = False) -> Ran:
        """Run one command of the client to its end."""
        return run(self._client, *arguments, env=self._environment(buildkit))

    def first_line(self, *arguments: str, saying: str = "") -> tuple[float, str]:
        """Run a container; return the seconds to its first line of output, and the line.

        With ``saying`` it is the first line that begins so.

        Raises:
            RuntimeError: it ended without one.
        """
        start = time.perf_counter()
        process = subprocess.Popen(
            [self._client, "run", "--rm", "--network", "host", *arguments],
            env=self._environment(buildkit=False), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        assert process.stdout
        line = next((line.strip() for line in process.stdout if line.startswith(saying)), "")
        seconds = time.perf_counter() - start
        _, errors = process.communicate()
        if process.returncode or not line:
            raise RuntimeError(f"docker run {arguments[0]}: {errors[-2000:]}")
        return seconds, line

    def _environment(self, buildkit: bool) -> dict[str, str]:
        return {**os.environ, "DOCKER_HOST": self.host, "DOCKER_BUILDKIT": str(int(buildkit))}


@contextmanager
def engine() -> Iterator[Docker]:
    """Run an empty dockerd; what it held is removed when all is measured.

    It has no bridge (containers use the host's network), so that it can live beside another one.
    """
    binary = program("dockerd", "docker.io")
    home = Path(tempfile.mkdtemp(prefix="kfslim-bench-"))  # short: a socket's path is limited
    remove_later(home)
    host = f"unix://{home}/docker.sock"
    with (home / "log").open("wb") as out:
        process = subprocess.Popen(
            [binary, "--host", host, "--data-root", str(home / "data"),
             "--exec-root", str(home / "exec"), "--pidfile", str(home / "pid"),
             "--bridge", "none", "--iptables=false"],
            stdout=out, stderr=out, start_new_session=True,
            env={**os.environ, "PATH": f"{os.environ.get('PATH', os.defpath)}:{_SYSTEM}"},
        )  # fmt: skip
    try:
        wait_until(lambda: answers(host), process, 60, home / "log")
        yield Docker(host)
    finally:
        process.terminate()
        process.wait(60)
