"""Trials in containers of a Docker Engine, this machine's or another one's (``DOCKER_HOST``)."""

from __future__ import annotations

import os
import tarfile
import tempfile
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Literal

from kfslim.errors import KfslimError, NotFound, OutsideError, StoreError, Unsupported
from kfslim.files import disk_errors
from kfslim.oci.containers import Bounds, Container, Engine, State
from kfslim.oci.image import Image, Platform
from kfslim.progress import SILENT, Progress
from kfslim.trial.inside.handing import LONGEST, Receiver, TooMuch, contents, read_file
from kfslim.trial.inside.watching import TASKS_PER_PROCESS
from kfslim.trial.log import BoundedLog
from kfslim.trial.model import Ending, Limits, Ran, Task

_REPOSITORY = "kfslim-trial"
_POLL = 0.2  # seconds between two looks at a container
_LOOKS_FOR_SIZE = 10  # every how many looks the engine adds up what was written
_NOT_STARTED = (126, 127)  # exit codes of a command that cannot be run, or is not there
_SIGNALLED = 128


class EngineRunner:
    """Runs commands in containers.  Safe to use from several threads.

    The image of the last run stays loaded for the next one, until :meth:`stop` or the end.
    """

    name: Literal["engine"] = "engine"

    def __init__(self, progress: Progress = SILENT) -> None:
        self._progress = progress
        self._running: set[threading.Event] = set()  # set where a run is to end
        self._kept: dict[str, str] = {}  # manifest digest -> name in the engine
        self._at_end = weakref.finalize(self, _forget_kept, self._kept)

    def refusal(self) -> str:
        """Return why no trial can run this way; empty when it can."""
        try:
            with Engine() as engine:
                there = engine.platform
        except OutsideError as error:
            return error.message
        return "" if there.os == "linux" else f"the Docker Engine runs {there}, not Linux"

    def run(self, image: Image, task: Task) -> Ran:
        """Run ``task`` in a new container; see :class:`kfslim.trial.runner.Runner`.

        Of the task's folder only regular files and folders go in and come back.

        Raises:
            Unsupported: the image is for another platform than the engine's.
            BadImage, DigestMismatch: the image cannot be read.
            StoreError: the engine does not answer or does not take the image.
            DiskError: the task's folder cannot be written.
        """
        with Engine() as engine, self._loaded(engine, image) as name:
            bounds = _bounds(task.limits)
            with _created(engine, name, task, bounds) as container, self._stoppable() as stop:
                return _run(container, task, stop)

    @contextmanager
    def _stoppable(self) -> Iterator[threading.Event]:
        stop = threading.Event()
        self._running.add(stop)
        try:
            yield stop
        finally:
            self._running.discard(stop)

    def stop(self) -> None:
        """End every command that runs; :meth:`run` raises StoreError where it waits."""
        for stop in tuple(self._running):
            stop.set()
        _forget_kept(self._kept)

    @contextmanager
    def _loaded(self, engine: Engine, image: Image) -> Iterator[str]:
        """Load the image under a name of our own; yield the name."""
        _check_platform(image, engine.platform)
        name = self._kept.pop(image.digest, f"{_REPOSITORY}:{os.getpid()}-{os.urandom(6).hex()}")
        try:
            engine.load(image, name, self._progress)
            yield name
        except BaseException:
            _forget(engine, name)
            raise
        _forget(engine, *_taken(self._kept))
        self._kept[image.digest] = name


def _run(container: Container, task: Task, stop: threading.Event) -> Ran:
    given = _put(container, task)
    log, start = BoundedLog(), time.monotonic()
    reader = threading.Thread(target=_read, args=(container.attach(), log), daemon=True)
    reader.start()
    try:
        container.start()
    except (StoreError, NotFound) as error:
        code = container.state().exit_code
        if code not in _NOT_STARTED:
            raise
        return Ran(ending="exit", status=code, seconds=0.0, log=error.message)
    ended = _watch(container, task.limits, log, given, stop)
    seconds = time.monotonic() - start
    reader.join(timeout=10)
    ending, status = _end_of(ended, container.state())
    if ending == "exit" and status and container.written_bytes() > task.limits.disk_bytes + given:
        ending = "disk"
    try:
        _take(container, task, task.limits.disk_bytes + given)
    except TooMuch:
        ending, status = "disk", None
    return Ran(ending=ending, status=status, seconds=seconds, log=log.text)


def _watch(
    container: Container, limits: Limits, log: BoundedLog, given: int, stop: threading.Event
) -> Ending | None:
    """Wait until the container ends, by itself (None) or because it passes a limit."""
    start, looks = time.monotonic(), 0
    while container.state().running:
        looks += 1
        passed = _passed(container, limits, log, given if looks % _LOOKS_FOR_SIZE == 0 else None)
        if time.monotonic() - start > limits.seconds:
            passed = "timeout"
        if passed:
            container.kill()
            return passed
        if stop.wait(_POLL):
            raise StoreError("the trial was stopped")
    if log.written > limits.disk_bytes:
        return "disk"
    return None


def _bounds(limits: Limits) -> Bounds:
    tasks = limits.processes * TASKS_PER_PROCESS
    return Bounds(limits.memory_bytes, limits.disk_bytes, tasks, limits.network)


def _check_platform(image: Image, there: Platform) -> None:
    if not image.platform.matches(there):
        raise Unsupported(
            f"an image for {image.platform} cannot be tried on a Docker Engine for {there}",
            hint="Try it where it runs, or say --no-trial.",
        )


def _taken(kept: dict[str, str]) -> list[str]:
    """Empty ``kept``, whatever other threads do to it; return the names that were in it."""
    names = []
    with suppress(KeyError):
        while True:
            names.append(kept.popitem()[1])
    return names


def _forget(engine: Engine, *names: str) -> None:
    for name in names:
        with suppress(KfslimError):  # never loaded, or another container has it
            engine.forget(name)


def _forget_kept(kept: dict[str, str]) -> None:
    if names := _taken(kept):
        with suppress(KfslimError), Engine() as engine:
            _forget(engine, *names)


@contextmanager
def _created(engine: Engine, name: str, task: Task, bounds: Bounds) -> Iterator[Container]:
    container = engine.create(name, task.command, task.env, bounds)
    try:
        yield container
    finally:
        with suppress(NotFound):
            container.remove()


def _passed(
    container: Container, limits: Limits, log: BoundedLog, given: int | None
) -> Ending | None:
    """Return which limit the container passes now; with ``given`` look at its files, too."""
    if log.written > limits.disk_bytes:
        return "disk"
    if container.tasks() >= limits.processes * TASKS_PER_PROCESS:
        return "processes"
    if given is not None and container.written_bytes() > limits.disk_bytes + given:
        return "disk"
    return None


def _end_of(ended: Ending | None, state: State) -> tuple[Ending, int | None]:
    """Return how the command ended, and its exit status as shells have it."""
    if state.out_of_memory and state.exit_code:
        return "memory", None
    if ended:
        return ended, None
    return ("signal" if state.exit_code > _SIGNALLED else "exit"), state.exit_code


def _read(chunks: Iterator[bytes], log: BoundedLog) -> None:
    """Read a container's output; the connection ends with the container, or breaks."""
    with suppress(Exception):
        for chunk in chunks:
            log.add(chunk)


def _put(container: Container, task: Task) -> int:
    """Copy the task's folder in; return its bytes.

    Whatever user the image has may write there: who that is only the engine knows.
    """
    total = 0
    with disk_errors("packing the trial's folder"), tempfile.TemporaryFile() as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            _add_folder(archive, task.mount)
            for item in contents(str(task.folder)):
                if item.is_folder:
                    _add_folder(archive, f"{task.mount}/{item.path}")
                    continue
                info = _member(f"{task.mount}/{item.path}", 0o777 if item.executable else 0o666)
                info.size = item.size
                with (task.folder / item.path).open("rb") as source:
                    archive.addfile(info, source)
                total += item.size
        file.seek(0)
        container.put(file)
    return total


def _add_folder(archive: tarfile.TarFile, path: str) -> None:
    info = _member(path, 0o777)
    info.type = tarfile.DIRTYPE
    archive.addfile(info)


def _member(path: str, mode: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(path.lstrip("/"))
    info.mode = mode
    return info


def _take(container: Container, task: Task, most_bytes: int) -> None:
    """Replace the task's folder by what the command left there.

    Raises:
        TooMuch: it left more than its limit.
        DiskError: the folder cannot be written.
    """
    with disk_errors("taking the trial's folder back"):
        receiver = Receiver(str(task.folder), most_bytes)
        try:
            stream = container.take(task.mount)
        except NotFound:  # the command removed it
            return
        with stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                path = member.name.partition("/")[2]  # the first part is the folder's own name
                if path and len(path) <= LONGEST:
                    _receive(receiver, archive, member, path, task)


def _receive(
    receiver: Receiver, archive: tarfile.TarFile, member: tarfile.TarInfo, path: str, task: Task
) -> None:
    executable = bool(member.mode & 0o111)
    if member.isdir():
        receiver.folder(path)
    elif member.isreg():
        receiver.file(path, executable, _chunks(archive.extractfile(member)))
    elif member.islnk():  # a second name of a file that came before
        first = task.folder / member.linkname.partition("/")[2]
        if first.is_file():  # we made it, or it is nothing that comes back
            receiver.file(path, executable, read_file(str(first)))


def _chunks(file: IO[bytes] | None) -> Iterator[bytes]:
    while file and (chunk := file.read(1 << 20)):
        yield chunk
