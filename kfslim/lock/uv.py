"""uv, started in an environment we know, and its failures in our words."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from kfslim.cache import Cache
from kfslim.errors import BadConfig, ToolError
from kfslim.files import disk_errors
from kfslim.lock.failures import translate
from kfslim.lock.indexes import check_indexes, index_environment

# uv's variables that say where packages come from, or how to get them.  The others (UV_CONSTRAINT,
# UV_RESOLUTION, UV_TARGET…) belong to the user's own work and would change what we lock.
_KEPT = (
    "UV_INDEX",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX",
    "UV_NO_INDEX",
    "UV_FIND_LINKS",
    "UV_KEYRING_PROVIDER",
    "UV_INSECURE_",
    "UV_NETRC",
    "UV_HTTP_",
    "UV_REQUEST_",
    "UV_CONCURRENT_",
    "UV_OFFLINE",
    "UV_EXCLUDE_NEWER",
    "UV_CONFIG_FILE",
    "UV_NO_CONFIG",
    "UV_SYSTEM_CERTS",
    "UV_NATIVE_TLS",
)
# What needs a compiler is refused on every machine, whether it has one or not; and an extension
# that its package calls optional is left out on every machine.
_NO_COMPILER = dict.fromkeys(("CC", "CXX", "FC", "F77", "CARGO", "RUSTC"), "false")
_DROPPED = ("UV_", "PYTHON", "PIP_", "VIRTUAL_ENV", "CONDA_")


class Uv:
    """uv with kfslim's cache; ``indexes`` are the configured ones, name → URL without credentials.

    Safe to use from several threads.  :meth:`stop` ends every uv that runs.

    Raises (on construction):
        BadConfig: an index cannot be used.
        ToolError: uv is not installed.
    """

    def __init__(
        self,
        cache: Cache,
        indexes: Mapping[str, str] | None = None,
        *,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.cache = cache
        self.indexes = dict(indexes or {})
        check_indexes(self.indexes)
        self.python = sys.executable  # runs build backends and traces; never in an image
        self.environ = environ
        self._binary = find_uv()
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()

    def run(
        self,
        *arguments: str,
        doing: str,
        indexes: Iterable[str] = (),
        extra: Mapping[str, str] | None = None,
    ) -> str:
        """Run uv and return its standard output.

        ``doing`` begins the message of a failure ("locking step train").  ``indexes`` are names of
        configured indexes to ask before the default one; ``extra`` are more variables.

        Raises:
            KfslimError: whatever uv's failure amounts to (see ``lock.failures``).
        """
        code, output, errors = self.try_run(*arguments, indexes=indexes, extra=extra)
        if code:
            raise translate(errors, doing)
        return output

    def try_run(
        self,
        *arguments: str,
        indexes: Iterable[str] = (),
        extra: Mapping[str, str] | None = None,
    ) -> tuple[int, str, str]:
        """Run uv; return its exit code, standard output and standard error."""
        environment = self.environment(indexes) | dict(extra or {})
        with disk_errors("making the cache folder"):
            Path(environment["UV_CACHE_DIR"]).mkdir(parents=True, exist_ok=True)
        process = self._start(arguments, environment)
        try:
            output, errors = process.communicate()
        except BaseException:
            _kill(process)
            raise
        finally:
            with self._lock:
                self._running.discard(process)
        return process.returncode, output, errors

    def _start(
        self, arguments: Iterable[str], environment: Mapping[str, str]
    ) -> subprocess.Popen[str]:
        """Start uv where no project's settings are found, in a process group of its own."""
        try:
            process = subprocess.Popen(
                [self._binary, *arguments],
                cwd="/",
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            raise ToolError(f"uv cannot be started: {error.strerror}") from error
        with self._lock:
            self._running.add(process)
        return process

    def stop(self) -> None:
        """End every uv of this object that still runs, with the builds it started."""
        with self._lock:
            running = tuple(self._running)
        for process in running:
            _kill(process)

    def named(self, names: Iterable[str]) -> dict[str, str]:
        """Return name → URL of the configured indexes ``names``; ``default`` is not one of them.

        Raises:
            BadConfig: a name is not configured.
        """
        chosen: dict[str, str] = {}
        for name in names:
            if name == "default":
                continue
            if name not in self.indexes:
                known = ", ".join(sorted(self.indexes)) or "none"
                raise BadConfig(
                    f"there is no index {name!r} in the configuration; there is {known}"
                )
            chosen[name] = self.indexes[name]
        return chosen

    def environment(self, indexes: Iterable[str] = ()) -> dict[str, str]:
        """Return the variables that uv runs with."""
        kept = {
            name: value
            for name, value in self.environ.items()
            if name.startswith(_KEPT) or not name.startswith(_DROPPED)
        }
        kept |= index_environment(self.named(indexes), self.environ)
        kept |= {
            "UV_CACHE_DIR": str(self.cache.uv.absolute()),
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_NO_PROGRESS": "1",
            "NO_COLOR": "1",
            # Builds of sdists must not depend on the day or on hash seeds.
            "SOURCE_DATE_EPOCH": "315532800",
            "PYTHONHASHSEED": "0",
            **_NO_COMPILER,
        }
        if _machine_has_certificates(kept):
            # A company's proxy signs with its own CA, which only the machine knows (the second
            # name is for uv before 0.10).
            kept.setdefault("UV_SYSTEM_CERTS", "true")
            kept.setdefault("UV_NATIVE_TLS", "true")
        return kept


def find_uv() -> str:
    """Return the path of the uv program that is installed with kfslim.

    Raises:
        ToolError: there is none.
    """
    from uv import find_uv_bin

    try:
        return find_uv_bin()
    except FileNotFoundError as error:
        raise ToolError("uv is not installed", hint="pip install uv") from error


def _machine_has_certificates(environ: Mapping[str, str]) -> bool:
    paths = ssl.get_default_verify_paths()
    places = (environ.get("SSL_CERT_FILE"), paths.cafile, paths.capath)
    return any(place and Path(place).exists() for place in places)


def _kill(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
