"""BuildKit, over the docker client: the SDK does not speak its protocol.

A client before Docker 23 has it built in, a later one needs its buildx plugin.  A build that is
given up leaves nothing but BuildKit's own cache.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from kfslim.engine.log import UNIT, BuildLog
from kfslim.engine.model import NETWORK, Build
from kfslim.errors import KfslimError, ToolError
from kfslim.files import disk_errors
from kfslim.oci.image import Platform
from kfslim.progress import SILENT, Progress, Task

_VERSION = re.compile(r"Docker version (\d+)\.")
_FIRST_WITHOUT = 23  # major version of the client that leaves BuildKit to its plugin
_VERTEX = re.compile(r"#(\d+) \[(?:(\S+) +)?\d+/(\d+)\] (.*)")
_OUTPUT = re.compile(r"#(\d+) (?:\d+\.\d+ )?(.*)")
_DONE = re.compile(r"#(\d+) (?:DONE|CACHED)\b")
_FAILED = re.compile(r"#(\d+) ERROR:? ?(.*)")
_SUMMARY = "ERROR: "  # begins the plugin's last word, not that of clients before it
_ASKING = 30.0  # seconds that a client has to tell its version


class Client:
    """A docker client that builds with BuildKit; ``plugin`` tells that buildx does it."""

    def __init__(self, program: str, plugin: bool) -> None:
        self.program, self.plugin = program, plugin

    def build(self, build: Build, engine: Platform, host: str, progress: Progress = SILENT) -> str:
        """Build with the engine at ``host``; return the id of the image, which has no name yet.

        Raises:
            ToolError: an instruction failed, or the client cannot be started.
            DiskError, Unsupported: the engine is full, or cannot run the base's programs.
        """
        with _handed(build) as folder:
            words = self._command(build, engine, folder)
            environment = _environment(build, host)
            with progress.task(f"build {build.title}", unit=UNIT) as task:
                _run(words, environment, build, _Follower(build, task, engine))
            with disk_errors("reading the image's id"):
                return (folder / "image").read_text("ascii").strip()

    def _command(self, build: Build, engine: Platform, folder: Path) -> list[str]:
        """Return the command line; what it must not show comes by environment and files."""
        words = [self.program, "build", "--progress=plain", f"--network={NETWORK}"]
        words += [f"--file={build.dockerfile}", f"--iidfile={folder / 'image'}"]
        if self.plugin:
            words.append("--load")
        if not build.platform.matches(engine):
            words.append(f"--platform={build.platform}")
        words += [f"--label={name}={value}" for name, value in build.labels.items()]
        words += [f"--build-arg={name}" for name in build.arguments]
        words += [f"--secret=id={name},src={folder / f'secret-{name}'}" for name in build.secrets]
        return [*words, "-"]


def find_client(path: str | None = None) -> Client | None:
    """Return the first docker client on PATH that can build with BuildKit; None without one."""
    for folder in (path or os.environ.get("PATH", os.defpath)).split(os.pathsep):
        program = shutil.which("docker", path=folder) if folder else None
        if program is None:
            continue
        version = _VERSION.match(_answer(program, "--version"))
        if version and int(version[1]) < _FIRST_WITHOUT:
            return Client(program, plugin=False)
        if version and _answer(program, "buildx", "version"):
            return Client(program, plugin=True)
    return None


def _answer(*words: str) -> str:
    """Return what a command prints; empty when it fails."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=_ASKING, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout


@contextmanager
def _handed(build: Build) -> Iterator[Path]:
    """Yield a folder of our own with the secrets in files, for as long as the build takes."""
    with ExitStack() as stack:
        with disk_errors("handing secrets to the build"):
            # mkdtemp: nobody else may look into it
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            for secret, content in build.secrets.items():
                (folder / f"secret-{secret}").write_bytes(content)
        yield folder


def _environment(build: Build, host: str) -> dict[str, str]:
    return {
        **os.environ,
        **build.arguments,
        "DOCKER_HOST": host,  # over a context that the user chose: the SDK knows none
        "DOCKER_BUILDKIT": "1",
        "BUILDX_BUILDER": "default",  # the engine's own, which sees the engine's images
        "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",  # an image, not an index of one and its story
        "NO_COLOR": "1",
    }


def _run(
    words: list[str], environment: Mapping[str, str], build: Build, follower: _Follower
) -> None:
    try:
        process = subprocess.Popen(
            words,
            env=environment,
            stdin=build.context,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # Ctrl-C is ours to pass on
        )
    except OSError as error:
        raise ToolError(f"{words[0]} cannot be started: {error.strerror}") from error
    assert process.stdout is not None
    try:
        with process.stdout as lines:
            for line in lines:
                follower.see(line.rstrip())
        code = process.wait()
    except BaseException:
        _stop(process)
        raise
    if code:
        raise follower.failure()


def _stop(process: subprocess.Popen[str]) -> None:
    """End the client and its plugin: the engine gives a build up whose client is gone.

    Asked politely, Docker 20.10's client may wait for the instruction that runs.
    """
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class _Follower:
    """Reads ``--progress=plain``: ``#7 [builder 2/4] RUN …``, ``#7 0.2 text``, ``#7 DONE 0.3s``.

    Stages are built side by side: every instruction's output is kept apart from the others'.
    """

    def __init__(self, build: Build, task: Task, engine: Platform) -> None:
        self._build, self._task, self._engine = build, task, engine
        self._stages: set[str] = set()
        self._logs: dict[str, BuildLog] = {}
        self._failed = BuildLog(build)
        self._said = self._last = ""

    def see(self, line: str) -> None:
        """Read one line."""
        if vertex := _VERTEX.match(line):
            self._begin(vertex)
        elif done := _DONE.match(line):
            self._task.advance(done[1] in self._logs)
        elif failed := _FAILED.match(line):
            self._failed, self._said = self._logs.get(failed[1], self._failed), failed[2]
        elif output := _OUTPUT.match(line):
            if output[1] in self._logs:
                self._logs[output[1]].add(output[2])
        elif line.startswith(_SUMMARY):
            self._said = self._said or line.removeprefix(_SUMMARY)
        elif line.strip("-> "):
            self._last = line

    def _begin(self, vertex: re.Match[str]) -> None:
        number, stage, total = vertex[1], vertex[2] or "", int(vertex[3])
        if stage not in self._stages:
            self._stages.add(stage)
            self._task.grow(total)
        self._logs.setdefault(number, BuildLog(self._build, vertex[4]))

    def failure(self) -> KfslimError:
        """Return why the client ended with an error."""
        return self._failed.failure(self._said or self._last, self._engine)
