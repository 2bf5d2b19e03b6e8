"""Containers of a Docker Engine, through its SDK: made without rights, watched, removed.

The engine may be on another machine: files go in and come out as archives, and nothing is mounted.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import IO, Any, NamedTuple

from kfslim.errors import NotFound, StoreError
from kfslim.oci.engine import EngineStore, engine_errors
from kfslim.oci.image import Image, Platform
from kfslim.oci.reference import parse_reference
from kfslim.progress import SILENT, Progress

_TIMEOUT = 600  # seconds: removing a large container answers late


class Bounds(NamedTuple):
    """What a container may use: bytes, and processes and threads together."""

    memory_bytes: int
    file_bytes: int
    tasks: int
    network: bool


class State(NamedTuple):
    """Whether a container runs, its exit code, and whether the kernel ended it for its memory."""

    running: bool
    exit_code: int
    out_of_memory: bool


class Engine:
    """A connection to the engine that the environment names.

    Use it as a context manager, in one thread; its methods raise StoreError where the engine does
    not answer or says no.
    """

    def __init__(self) -> None:
        import docker

        with engine_errors("connecting"):
            self._client: Any = docker.from_env(timeout=_TIMEOUT)

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    @property
    def platform(self) -> Platform:
        """What it runs."""
        with engine_errors("its version"):
            version = self._client.api.version()
        return Platform(version["Os"], version["Arch"])

    def load(self, image: Image, name: str, progress: Progress = SILENT) -> None:
        """Load an image under a name of its own, unless it is there: then it only gets the name."""
        repository, _, tag = name.partition(":")
        EngineStore(parse_reference(f"docker-daemon:{name}"), self._client).write(
            image, None, progress
        )
        with engine_errors(f"naming image {name}"):
            self._client.api.tag(image.config_descriptor.digest, repository, tag, force=True)

    def forget(self, name: str) -> None:
        """Remove an image's name, and the image where that was its last."""
        repository, _, tag = name.partition(":")
        EngineStore(parse_reference(f"docker-daemon:{repository}"), self._client).delete(tag)

    def create(
        self, image: str, command: Sequence[str], environment: Mapping[str, str], bounds: Bounds
    ) -> Container:
        """Create a container that has no rights, no network unless asked, and keeps no log."""
        api = self._client.api
        from docker.types import LogConfig, Ulimit

        limit = Ulimit(name="fsize", soft=bounds.file_bytes, hard=bounds.file_bytes)
        host = api.create_host_config(
            network_mode="bridge" if bounds.network else "none",
            mem_limit=bounds.memory_bytes,
            memswap_limit=bounds.memory_bytes,
            pids_limit=bounds.tasks,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            ulimits=[limit, Ulimit(name="core", soft=0, hard=0)],
            log_config=LogConfig(type="none"),
        )
        with engine_errors("creating a container"):
            made = api.create_container(
                image,
                list(command[1:]),
                entrypoint=list(command[:1]),
                environment=dict(environment),
                hostname="kfslim",
                host_config=host,
                use_config_proxy=False,  # the environment is the image's and ours, nothing else
            )
        return Container(api, str(made["Id"]))


class Container:
    """One container.  Methods raise StoreError where the engine does not answer or says no."""

    def __init__(self, api: Any, identity: str) -> None:
        self._api = api
        self.id = identity
        self._what = f"container {identity[:12]}"

    def put(self, archive: IO[bytes]) -> None:
        """Unpack a tar archive at its root."""
        with engine_errors(self._what):
            self._api.put_archive(self.id, "/", archive)

    def take(self, path: str) -> IO[bytes]:
        """Return a tar archive of what lies at ``path``, read as it comes.

        Raises:
            NotFound: nothing does.
        """
        with engine_errors(f"{path} in {self._what}"):
            chunks, _ = self._api.get_archive(self.id, path)
        return io.BufferedReader(_Chunks(chunks), 1 << 20)

    def attach(self) -> Iterator[bytes]:
        """Return what it writes to stdout and stderr from now on, until it ends."""
        with engine_errors(self._what):
            chunks: Iterator[bytes] = self._api.attach(self.id, stream=True)
        return chunks

    def start(self) -> None:
        """Start it."""
        with engine_errors(f"starting {self._what}"):
            self._api.start(self.id)

    def state(self) -> State:
        """Return how it is."""
        with engine_errors(self._what):
            state = self._api.inspect_container(self.id)["State"]
        running = state["Status"] in ("running", "paused", "restarting")
        return State(running, state["ExitCode"], bool(state["OOMKilled"]))

    def tasks(self) -> int:
        """Return how many processes and threads it has now; 0 where the engine does not count."""
        with engine_errors(self._what):
            stats = self._api.stats(self.id, stream=False, one_shot=True)
        return int(stats.get("pids_stats", {}).get("current") or 0)

    def written_bytes(self) -> int:
        """Return the bytes of the files that it wrote and that are still there."""
        with engine_errors(self._what):
            found = self._api.containers(all=True, size=True, filters={"id": self.id})
        return int(found[0].get("SizeRw") or 0) if found else 0

    def kill(self) -> None:
        """End it, if it runs."""
        try:
            with engine_errors(self._what):
                self._api.kill(self.id)
        except (NotFound, StoreError):
            if self.state().running:
                raise

    def remove(self) -> None:
        """End it and remove it with its files."""
        with engine_errors(self._what):
            self._api.remove_container(self.id, force=True, v=True)


class _Chunks(io.RawIOBase):
    """A stream of bytes out of an iterator of them."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._left = chunk
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size
