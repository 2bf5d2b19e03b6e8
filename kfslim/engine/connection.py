"""A Docker Engine as a builder: which dialect it speaks with us, and what it has built."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

from kfslim.engine.buildkit import Client, find_client
from kfslim.engine.classic import build_classic
from kfslim.engine.model import Build
from kfslim.errors import KfslimError, NotFound, StoreError, Unsupported
from kfslim.oci.containers import Engine
from kfslim.oci.engine import EngineStore, engine_errors
from kfslim.oci.image import Image
from kfslim.oci.reference import parse_reference
from kfslim.progress import SILENT, Progress

OLDEST = (1, 40)  # API of Docker 19.03; 20.10 is the oldest engine that the tests have built with
_DEFAULT_HOST = "unix:///var/run/docker.sock"  # as the SDK has it


class BuildEngine(Engine):
    """The engine that the environment names.  Use it as a context manager, in one thread.

    ``dialect`` "auto" takes BuildKit where a client for it is installed, else the classic builder.

    Raises (on construction):
        StoreError: no engine answers, or it is too old.
        Unsupported: BuildKit was asked for and no client can do it, or it is no engine for Linux.
    """

    def __init__(self, dialect: Literal["auto", "buildkit", "classic"] = "auto") -> None:
        super().__init__()
        try:
            self._check()
            self._buildkit = _client(dialect)
        except BaseException:
            self._client.close()
            raise

    def __enter__(self) -> BuildEngine:
        return self

    def _check(self) -> None:
        with engine_errors("its version"):
            said = str(self._client.api.version()["ApiVersion"])
        if tuple(map(int, said.split("."))) < OLDEST:
            raise StoreError(
                f"the Docker Engine is too old to build: its API is {said}, "
                f"{'.'.join(map(str, OLDEST))} is needed",
                hint="Docker 19.03 and later have it; --builder daemonless needs no engine.",
            )
        if (there := self.platform).os != "linux":
            raise Unsupported(f"the Docker Engine runs {there}, not Linux")

    @property
    def dialect(self) -> Literal["buildkit", "classic"]:
        """What Dockerfiles for this engine may use."""
        return "buildkit" if self._buildkit else "classic"

    @contextmanager
    def built(self, build: Build, progress: Progress = SILENT) -> Iterator[str]:
        """Build; yield the id of the image, which has no name yet.

        When the block fails, the image goes, unless it was there before.

        Raises:
            ToolError: an instruction failed; its last lines are in the message.
            DiskError, Unsupported: the engine is full, or cannot run the base's programs.
            StoreError: the engine does not answer.
        """
        before = self.images()
        image = self._build(build, progress)
        try:
            yield image
        except BaseException:
            if image not in before:
                self.drop(image)
            raise

    def _build(self, build: Build, progress: Progress) -> str:
        if self._buildkit is None:
            return build_classic(self._client.api, build, self.platform, progress)
        host = os.environ.get("DOCKER_HOST") or _DEFAULT_HOST
        return self._buildkit.build(build, self.platform, host, progress)

    @contextmanager
    def based(self, image: Image, name: str, progress: Progress = SILENT) -> Iterator[None]:
        """Have ``image`` under ``name``; it stays there, unless the block fails and it is new."""
        there = self.has(name)
        try:
            self.load(image, name, progress)
            yield
        except BaseException:
            if not there:
                self.drop(name)
            raise

    def images(self) -> frozenset[str]:
        """Return the ids of all images, of the classic builder's cache too."""
        with engine_errors("the images"):
            return frozenset(self._client.api.images(quiet=True, all=True))

    def has(self, name: str) -> bool:
        """Tell whether there is an image of this name or id."""
        try:
            with engine_errors(name):
                return bool(self._client.api.inspect_image(name))
        except NotFound:
            return False

    @contextmanager
    def reading(self, image: str) -> Iterator[Image]:
        """Yield the image with this id; its layers open inside the block only."""
        store = EngineStore(parse_reference("docker-daemon:kfslim"), self._client)
        try:
            yield store.read(image)
        finally:
            store.close()

    def name(self, image: str, name: str) -> None:
        """Give an image a name; whatever had it loses it."""
        repository, _, tag = name.rpartition(":")
        with engine_errors(f"naming image {name}"):
            self._client.api.tag(image, repository, tag, force=True)

    def drop(self, image: str) -> None:
        """Remove a name, or an image by its id, unless something uses it or it has a name."""
        with suppress(KfslimError), engine_errors(image):
            self._client.api.remove_image(image)


def _client(dialect: Literal["auto", "buildkit", "classic"]) -> Client | None:
    client = None if dialect == "classic" else find_client()
    if dialect == "buildkit" and client is None:
        raise Unsupported(
            "no docker client on PATH can build with BuildKit",
            hint="Docker 23 and later need the buildx plugin for it; or say --dialect classic.",
        )
    return client
