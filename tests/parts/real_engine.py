"""A Docker Engine for tests: the one that answers, else a dockerd of our own.

One dockerd serves every pytest process of this user on the machine (xdist workers, runs side by
side), since two daemons quarrel over one bridge.  Users are counted by process id in a file under
a lock; the last one to leave stops it and removes its data.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from parts.need import missing, program, wait_until

HOME = Path(tempfile.gettempdir()) / f"kfslim-engine-{os.getuid()}"


def answers(host: str | None = None) -> bool:
    """True when an engine answers at ``host`` (default: the environment's)."""
    import docker

    try:
        client = docker.DockerClient(base_url=host) if host else docker.from_env()
        with_version = client.version()
    except (docker.errors.DockerException, OSError):
        return False
    client.close()
    return bool(with_version)


@contextmanager
def use_engine() -> Iterator[str]:
    """Yield the ``DOCKER_HOST`` of a running engine ("" for the environment's own)."""
    if answers():
        yield os.environ.get("DOCKER_HOST", "")
        return
    if os.getuid() != 0:
        missing("no Docker Engine answers, and only root can start one")
    binary = program("dockerd", "docker.io")
    host = f"unix://{HOME}/docker.sock"
    with _locked():
        HOME.mkdir(exist_ok=True)  # under the lock: the last one to leave removes it
        _enter()
        try:
            if not answers(host):
                _start(binary, host)
        except BaseException:
            _leave()
            raise
    try:
        yield host
    finally:
        with _locked():
            if not _leave():
                _stop()


@contextmanager
def _locked() -> Iterator[None]:
    with (HOME.parent / f"{HOME.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _users() -> set[int]:
    try:
        pids = {int(line) for line in (HOME / "users").read_text().split()}
    except OSError:
        return set()
    return {pid for pid in pids if Path(f"/proc/{pid}").exists()}


def _enter() -> None:
    _write_users(_users() | {os.getpid()})


def _leave() -> set[int]:
    users = _users() - {os.getpid()}
    _write_users(users)
    return users


def _write_users(users: set[int]) -> None:
    (HOME / "users").write_text("\n".join(map(str, sorted(users))))


def _start(binary: str, host: str) -> None:
    log = HOME / "log"
    system = "/usr/sbin:/sbin"  # dockerd looks for iptables, containerd and runc on PATH
    with log.open("wb") as out:
        process = subprocess.Popen(
            [binary, "--host", host, "--data-root", str(HOME / "data"),
             "--exec-root", str(HOME / "exec"), "--pidfile", str(HOME / "pid")],
            stdout=out, stderr=out, start_new_session=True,
            env={**os.environ, "PATH": f"{os.environ.get('PATH', os.defpath)}:{system}"},
        )  # fmt: skip
    wait_until(lambda: answers(host), process, 60, log)


def _stop() -> None:
    try:
        pid = int((HOME / "pid").read_text())
        os.kill(pid, signal.SIGTERM)
    except (OSError, ValueError):
        return
    deadline = time.monotonic() + 30
    while (HOME / "pid").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
        _reap(pid)
    shutil.rmtree(HOME, ignore_errors=True)


def _reap(pid: int) -> None:
    """Collect the daemon if it is our own child, so that no zombie stays."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
