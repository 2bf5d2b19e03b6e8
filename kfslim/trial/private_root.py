"""Trials in a root of their own on this machine: no daemon, no root, Linux only.

:mod:`kfslim.trial.inside.keep` says what happens in the namespaces, ``mounts`` beside it what a
command sees.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Literal

from kfslim.cache import Cache
from kfslim.errors import BadImage, DiskError, ToolError, Unsupported
from kfslim.files import disk_errors
from kfslim.oci.image import Image
from kfslim.progress import SILENT, Progress
from kfslim.trial.inside.problem import Problem
from kfslim.trial.log import BoundedLog
from kfslim.trial.model import Ran, Task
from kfslim.trial.roots import folders_of

# Where a command of root runs as: Debian keeps this number free (Debian Policy, 9.2.2), and no file
# of a machine should belong to it.
_NOBODY = 65_533
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_POINT = "trial-point"
_EMPTY = "trial-empty"
_LEAVE_SECONDS = 10.0
_BLAMED = {"machine": ToolError, "image": BadImage, "folder": DiskError}
# The keeper's words show neither paths nor variables of this machine to the command.
_START = """\
import json, sys
spec = json.load(sys.stdin)
sys.path.insert(0, spec.pop("code"))
from kfslim.trial.inside.keep import keep
keep(spec)
"""


class PrivateRoot:
    """Runs commands in namespaces on this machine, on overlays over folders in the cache.

    Safe to use from several threads; :meth:`stop` ends all that runs.
    """

    name: Literal["private-root"] = "private-root"

    def __init__(self, cache: Cache, progress: Progress = SILENT) -> None:
        self._cache = cache
        self._progress = progress
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    def refusal(self) -> str:
        """Return why this machine cannot run trials this way; empty when it can."""
        return self._tried[0]

    @cached_property
    def _tried(self) -> tuple[str, bool]:
        """Try everything but a command: why it failed, and whether overlays work."""
        if sys.platform != "linux" or platform.machine() not in _ARCHITECTURES:
            return f"a private root needs Linux on {' or '.join(_ARCHITECTURES)}", False
        said = ""
        for overlay in (True, False):
            with self._cache.scratch() as folder:
                spec = self._spec((_EMPTY,), Task((), folder), overlay=overlay)
                said = self._keep(spec, BoundedLog()).get("problem", "")
            if not said:
                return "", overlay
        return f"a private root cannot be made here ({said}){_why()}", False

    def run(self, image: Image, task: Task) -> Ran:
        """Run ``task`` in a root of its own; see :class:`kfslim.trial.runner.Runner`.

        Of the task's folder only regular files and folders go in and come back.

        Raises:
            Unsupported: the image is for another kind of machine.
            BadImage, DigestMismatch: the image cannot be read.
            ToolError: this machine refuses (see :meth:`refusal`).
            DiskError: the cache or the task's folder cannot be written.
        """
        _check_platform(image)
        reason, overlay = self._tried
        if reason:
            raise ToolError(reason)
        lowers = folders_of(self._cache, image, _owner(), self._progress)
        log = BoundedLog()
        result = self._keep(self._spec(lowers, task, image, overlay=overlay), log)
        if problem := result.get("problem"):
            raise _BLAMED[result["blame"]](f"the trial cannot be run: {problem}")
        if log.written > task.limits.disk_bytes:
            result |= {"ending": "disk", "status": None}
        return Ran(log=log.text, **result)

    def _spec(
        self, lowers: Sequence[str], task: Task, image: Image | None = None, *, overlay: bool
    ) -> dict[str, Any]:
        """Return all that the keeper must know, as JSON."""
        roots = self._cache.root_of("")
        with disk_errors("making the cache folder"):
            for name in (_POINT, _EMPTY):
                (roots / name).mkdir(parents=True, exist_ok=True)
        runtime = image.runtime if image else {}
        return {
            "code": str(Path(__file__).parents[2]),
            "parent": os.getpid(),
            "roots": str(roots),
            "point": _POINT,
            "lowers": list(lowers),
            "overlay": overlay,
            "user_namespace": not _is_root(),
            "owner": _NOBODY if _is_root() else 0,
            "folder": str(task.folder.absolute()),
            "mount": task.mount,
            "command": list(task.command),
            "env": {**(image.env if image else {}), **task.env},
            "user": str(runtime.get("User") or ""),
            "workdir": str(runtime.get("WorkingDir") or "/"),
            "etc": _network_files() if task.limits.network else {},
            "limits": task.limits.model_dump(),
        }

    def _keep(self, spec: dict[str, Any], log: BoundedLog) -> dict[str, Any]:
        """Start the keeper, read the command's output, and return what the keeper reports."""
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb") as report:
            try:
                process = self._start(spec | {"report": writing})
            finally:
                os.close(writing)
            try:
                _read(process.stdout, log, spec["limits"]["disk_bytes"])
                said = report.read()
                process.wait()
            finally:
                _end(process)
                with self._lock:
                    self._running.discard(process)
        if not said:
            return Problem("what keeps it was ended from outside").told
        result: dict[str, Any] = json.loads(said)
        return result

    def _start(self, spec: dict[str, Any]) -> subprocess.Popen[bytes]:
        """Start the keeper in a session of its own, so that Ctrl-C comes to us alone."""
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-B", "-c", _START],
                cwd="/",
                env={},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(spec["report"],),
                start_new_session=True,
            )
        except OSError as error:
            raise ToolError(f"Python cannot be started: {error.strerror}") from error
        with self._lock:
            self._running.add(process)
        assert process.stdin
        with suppress(BrokenPipeError), process.stdin as stdin:  # it died: told by its silence
            stdin.write(json.dumps(spec).encode())
        return process

    def stop(self) -> None:
        """End every command that runs; :meth:`run` raises ToolError where it waits."""
        with self._lock:
            running = tuple(self._running)
        for process in running:
            process.terminate()


def _read(pipe: IO[bytes] | None, log: BoundedLog, most: int) -> None:
    """Read until nobody can write any more, or more came than may be."""
    assert pipe
    with pipe:
        while log.written <= most and (chunk := os.read(pipe.fileno(), 1 << 16)):
            log.add(chunk)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a keeper that still runs: it ends what it keeps, and waits for that."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _is_root() -> bool:
    """True for root of this machine, not of a user namespace that we are in already."""
    if os.geteuid() != 0:
        return False
    try:
        return Path("/proc/self/uid_map").read_text().split() == ["0", "0", "4294967295"]
    except OSError:
        return True


def _owner() -> int:
    """Return whose the extracted folders must be: the user that the command runs as."""
    return _NOBODY if _is_root() else os.geteuid()


def _check_platform(image: Image) -> None:
    there = _ARCHITECTURES.get(platform.machine(), "")
    if (image.platform.os, image.platform.architecture) != ("linux", there):
        raise Unsupported(
            f"an image for {image.platform} cannot be tried on this machine ({platform.machine()})",
            hint="Try it where it runs, or say --no-trial.",
        )


def _network_files() -> dict[str, str]:
    try:
        return {"/etc/resolv.conf": Path("/etc/resolv.conf").read_text("utf-8", "replace")}
    except OSError:
        return {}


def _why() -> str:
    """Return what is known to refuse namespaces, as the end of a sentence."""
    if _setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1":
        return ": AppArmor restricts user namespaces here"
    if _setting("/proc/sys/kernel/unprivileged_userns_clone") == "0":
        return ": kernel.unprivileged_userns_clone is 0 here"
    if _setting("/proc/sys/user/max_user_namespaces") == "0":
        return ": user.max_user_namespaces is 0 here"
    if "Seccomp:\t2" in _setting("/proc/self/status"):
        return ": a seccomp filter is in force, as in most containers and pods"
    return ""


def _setting(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
