"""One task of a pipeline, from its inputs to its last line."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kfslim.cache import Cache, default_cache_dir
from kfslim.cluster.settings import SECRET_VARIABLE
from kfslim.errors import AuthError, KfslimError
from kfslim.flow.context import Context
from kfslim.report.progress import Bars
from kfslim.steps.config import Config
from kfslim.steps.configfile import load_config

# The kubelet copies this file into the pod's status, from where Argo takes the error that the
# Kubeflow UI shows (https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/).
TERMINATION_LOG = Path("/dev/termination-log")
MOST = 4096  # bytes of it that the kubelet keeps
KEY = ".dockerconfigjson"


@contextmanager
def task(config: str = "", *, insecure: bool = False, registry: bool = True) -> Iterator[Context]:
    """Open a context for one task; ``config`` is the text of a ``kfslim.toml``.

    With ``registry``, a refusal of credentials is a registry's, and a secret can help.
    A :class:`KfslimError` inside ends the process with its exit code, after its sentence was said
    in the log and to Kubernetes; there is no traceback.
    """
    try:
        cache = Cache(default_cache_dir())
        with Context(cache, read_config(cache, config), Bars(), insecure=insecure) as context:
            yield context
    except KfslimError as error:
        about_secret = registry and isinstance(error, AuthError)
        _say(error.message, _login_hint() if about_secret else error.hint)
        sys.exit(error.exit_code)


def read_config(cache: Cache, text: str) -> Config:
    """Read the text of a ``kfslim.toml``; files that it names are looked for in the task's folder.

    Raises:
        BadConfig: it is no such text.
    """
    if not text.strip():
        return load_config(None)
    with cache.scratch() as folder:
        path = folder / "kfslim.toml"
        path.write_text(text, "utf-8")
        return load_config(path)


def _login_hint() -> str:
    """Say which secret must hold which entry; nobody can log in inside a task."""
    place = f"as an entry of its own in the key {KEY}"
    if name := os.environ.get(SECRET_VARIABLE):
        return f"Put what may push and pull there into the secret {name!r}, {place}."
    return (
        "No secret is mounted: make one of the type kubernetes.io/dockerconfigjson that allows to "
        f"push and pull there, {place}, and name it as registry_secret in [tool.kfslim.cluster]."
    )


def _say(message: str, hint: str) -> None:
    text = "\n".join([f"kfslim: {message}", *([f"        {hint}"] if hint else [])])
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - the task's log is its terminal
    with suppress(OSError):
        if TERMINATION_LOG.exists():
            TERMINATION_LOG.write_bytes(text.encode()[:MOST])


class Stopwatch:
    """Wall-clock seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds, to a hundredth."""
        return round(time.perf_counter() - self._start, 2)
