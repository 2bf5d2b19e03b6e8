"""The engine's classic builder, over the SDK: each instruction is a container and an image.

What a build leaves when it does not come to its end is removed.  When it does, the images of its
stages stay, as after ``docker build``: they are the cache of the next one.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from kfslim.engine.log import UNIT, BuildLog
from kfslim.engine.model import NETWORK, Build
from kfslim.errors import KfslimError, NotFound, ToolError
from kfslim.oci.engine import engine_errors
from kfslim.oci.image import Platform
from kfslim.progress import SILENT, Progress, Task

_STEP = re.compile(r"Step (\d+)/(\d+) : (.*)")
_RUNNING = re.compile(r" ---> Running in ([0-9a-f]{12})$")
_IMAGE = re.compile(r" ---> ([0-9a-f]{12})$")
_PATIENCE = 10.0  # seconds that the engine has to end a build that was given up


def build_classic(api: Any, build: Build, engine: Platform, progress: Progress = SILENT) -> str:
    """Build with the low-level client ``api``; return the id of the image, which has no name yet.

    Raises:
        ToolError: an instruction failed.
        DiskError, Unsupported: the engine is full, or cannot run the base's programs.
        StoreError: the engine does not answer.
    """
    with (
        _Traces.followed(api) as traces,
        progress.task(f"build {build.title}", unit=UNIT) as task,
        engine_errors(build.title),
    ):
        follower, image = _Follower(build, task), ""
        for message in _messages(api, build, engine):
            if error := message.get("error"):
                raise follower.log.failure(str(error), engine)
            image = (message.get("aux") or {}).get("ID") or image
            for line in str(message.get("stream") or "").splitlines():
                follower.see(line)
                traces.see(line)
        if not image:
            raise ToolError(f"{build.title}: the Docker Engine ended the build without an image")
    if build.tells_credentials:
        traces.remove(keep=image)
    return image


def _messages(api: Any, build: Build, engine: Platform) -> Iterator[dict[str, Any]]:
    """Yield what the engine says; to leave early ends the build."""
    answers: list[Any] = []

    def keep(answer: Any, **_: Any) -> None:
        answers.append(answer)

    api.hooks["response"].append(keep)
    try:
        yield from api.build(
            fileobj=build.context,
            custom_context=True,
            dockerfile=build.dockerfile,
            labels=dict(build.labels),
            buildargs=dict(build.arguments),
            platform=None if build.platform.matches(engine) else str(build.platform),
            network_mode=NETWORK,
            rm=True,
            forcerm=True,
            decode=True,
        )
    finally:
        api.hooks["response"].remove(keep)
        for answer in answers:
            answer.close()


class _Follower:
    """Reads what the engine writes: ``Step 2/5 : RUN …``, and the output of instructions."""

    def __init__(self, build: Build, task: Task) -> None:
        self._build, self._task = build, task
        self.log = BuildLog(build)

    def see(self, line: str) -> None:
        """Read one line."""
        if step := _STEP.match(line):
            first = step[1] == "1"
            self._task.grow(int(step[2]) if first else 0)
            self._task.advance(0 if first else 1)
            self.log = BuildLog(self._build, step[3])
        elif not line.startswith(" ---> "):
            self.log.add(line)


class _Traces:
    """What one build makes in the engine, by what it says and by what was not there before."""

    def __init__(self, api: Any) -> None:
        self._api = api
        self._before = set(self._images())
        self._containers: set[str] = set()
        self._reported: set[str] = set()

    @classmethod
    @contextmanager
    def followed(cls, api: Any) -> Iterator[_Traces]:
        """Remove all traces when the block does not come to its end."""
        with engine_errors("the images"):
            traces = cls(api)
        try:
            yield traces
        except BaseException:
            traces.remove()
            raise

    def see(self, line: str) -> None:
        """Read one line of the engine's output."""
        line = line.rstrip()
        if running := _RUNNING.match(line):
            self._containers.add(running[1])
        elif image := _IMAGE.match(line):
            self._reported.add(image[1])

    def remove(self, keep: str = "") -> None:
        """Remove containers and images of this build; ``keep`` stays, with what it stands on."""
        with suppress(KfslimError):
            for container in self._containers:
                self._end(container)
            for image in self._made():
                if image != keep:
                    self._forget(image)

    def _end(self, container: str) -> None:
        """Wait until the engine has removed a container itself; else do it."""
        deadline = time.monotonic() + _PATIENCE
        with suppress(NotFound):
            while time.monotonic() < deadline:
                with engine_errors(container):
                    self._api.inspect_container(container)
                time.sleep(0.1)
            with engine_errors(container):
                self._api.remove_container(container, force=True, v=True)

    def _forget(self, image: str) -> None:
        """Remove an image, unless something stands on it or uses it."""
        with suppress(KfslimError), engine_errors(image):
            self._api.remove_image(image, noprune=True)

    def _made(self) -> list[str]:
        """Return the images that this build made and nobody named, the latest first."""
        with engine_errors("the images"):
            new = {k: v for k, v in self._images().items() if k not in self._before}
        made: list[str] = []
        for identity, image in reversed(new.items()):  # parents come before what stands on them
            short = identity.removeprefix("sha256:")[:12]
            if not _named(image) and (short in self._reported or image.get("ParentId") in made):
                made.insert(0, identity)
        return made

    def _images(self) -> dict[str, Mapping[str, Any]]:
        """Return all images by id, the latest first."""
        return {image["Id"]: image for image in self._api.images(all=True)}


def _named(image: Mapping[str, Any]) -> bool:
    return any(tag != "<none>:<none>" for tag in image.get("RepoTags") or ())
