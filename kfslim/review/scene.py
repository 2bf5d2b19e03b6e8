"""All that rules look at: a Dockerfile whose commands are read, its context, and its image."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from kfslim.context.model import ContextMeasure
from kfslim.measure.model import Measurement
from kfslim.review.shell import Command, Word, split_commands
from kfslim.review.syntax import Dockerfile, Instruction, Placed
from kfslim.review.tools import Call, calls
from kfslim.review.variables import fill, known_after

_SHELLS = ("", "sh", "bash", "/bin/sh", "/bin/bash")


class Run(NamedTuple):
    """A ``RUN`` with what it calls.  ``script`` is the shell text; empty in the exec form."""

    instruction: Instruction
    script: Placed
    commands: tuple[Command, ...]
    calls: tuple[Call, ...]

    def mounts(self, folder: str) -> bool:
        """Tell whether a cache or a temporary file system lies on ``folder`` or above it."""
        return any(
            f"{folder}/".startswith(f"{target.rstrip('/')}/")
            for flag in self.instruction.flags
            if flag.startswith("--mount=") and ("type=cache" in flag or "type=tmpfs" in flag)
            for part in flag[len("--mount=") :].split(",")
            for name, _, target in [part.partition("=")]
            if name in ("target", "dst", "destination") and target
        )


class State(NamedTuple):
    """What is known at one place: variables, and the working folder."""

    known: Mapping[str, str]
    folder: str

    def after(self, one: Instruction, outer: Mapping[str, str]) -> State:
        """Return what holds after an instruction; ``outer`` is set before the first ``FROM``."""
        if one.keyword == "WORKDIR":
            path = fill(one.arguments.text.strip().strip("\"'"), self.known)
            return State(self.known, posixpath.normpath(posixpath.join(self.folder, path)))
        if one.keyword in ("ENV", "ARG"):
            return State(known_after((one,), outer, self.known), self.folder)
        return self


class Secret(NamedTuple):
    """A secret file in a layer: the number of the layer, and whether a later one hides it."""

    layer: int
    path: str
    why: str
    hidden: bool


class Deleted(NamedTuple):
    """Bytes of layer ``made`` that layer ``by`` deletes or replaces, with their largest file."""

    made: int
    by: int
    disk_bytes: int
    example: str


@dataclass(frozen=True)
class ImageFacts:
    """What an image tells beyond its measurement.

    ``history`` are its config's entries; ``doubles`` the distributions that lie in several layers,
    with the numbers of these.
    """

    measurement: Measurement
    history: tuple[Mapping[str, object], ...]
    user: str = ""
    doubles: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    secrets: tuple[Secret, ...] = ()
    deleted: tuple[Deleted, ...] = ()


_PLACES = ("/usr/local", "/opt", "/root/.local", "/venv", "/app/.venv")  # where a pip installs


def _place(call: Call) -> tuple[str, ...]:
    """Return the folders that a call may install into."""
    named = call.values("--prefix", "-t", "--target", "--root")
    return named or _PLACES


def _meet(path: str, places: tuple[str, ...]) -> bool:
    """Tell whether a copied path lies in one of the places, or holds it."""
    path = f"{path.rstrip('/')}/"
    return any(path.startswith(f"{p}/") or f"{p}/".startswith(path) for p in places)


def _nothing(_path: str) -> str | None:
    return None


@dataclass(frozen=True)
class Scene:
    """What is reviewed.

    ``read`` returns a text file of the context, by its POSIX path; None: it cannot be read.
    ``dependencies`` are those of the project in the context; None: no pyproject.toml says them.
    ``lines`` holds for every layer of the image the first line of its instruction, 0: none.
    """

    dockerfile: Dockerfile
    read: Callable[[str], str | None] = _nothing
    context: ContextMeasure | None = None
    image: ImageFacts | None = None
    dependencies: tuple[str, ...] | None = None
    lines: tuple[int, ...] = ()

    @cached_property
    def final(self) -> tuple[Instruction, ...]:
        """The instructions whose layers are in the image."""
        stage = self.dockerfile.final
        return self.dockerfile.line(stage) if stage else ()

    @cached_property
    def installs(self) -> tuple[tuple[Run, Call], ...]:
        """The calls of package managers whose work is in the image, stage by stage.

        Of a stage that is only copied from, those count that install into what is copied.
        """
        stage = self.dockerfile.final
        if stage is None:
            return ()
        own = {one.number for one in self.dockerfile.lineage(stage)}
        copied = self._all_copied()
        return tuple(
            (run, call)
            for one in self.dockerfile.stages
            for run in self.runs_in(one.instructions)
            for call in run.calls
            if one.number in own
            or any(_meet(path, _place(call)) for n, path in copied if n == one.number)
        )

    def _all_copied(self) -> set[tuple[int, str]]:
        """Return what is copied of which stages, also by way of others."""
        found: set[tuple[int, str]] = set()
        todo = list(self.final)
        while todo:
            new = set(self._copied(todo.pop())) - found
            found |= new
            todo += [one for n, _ in new for one in self.dockerfile.stages[n].instructions]
        return found

    def _copied(self, one: Instruction) -> Iterator[tuple[int, str]]:
        """Yield what a ``COPY`` takes of which stages."""
        name = one.flag("from") if one.keyword == "COPY" else ""
        source = self.dockerfile.stage_named(name, len(self.dockerfile.stages)) if name else None
        for below in self.dockerfile.lineage(source) if source else ():
            yield from ((below.number, path) for path in one.words[:-1])

    @cached_property
    def runs(self) -> Mapping[int, Run]:
        """All ``RUN`` instructions by their first line."""
        found = (one for one in self.dockerfile.instructions if one.keyword == "RUN")
        return {one.first: read_run(one) for one in found}

    def runs_in(self, instructions: tuple[Instruction, ...]) -> list[Run]:
        """Return the ``RUN`` among ``instructions``."""
        return [self.runs[one.first] for one in instructions if one.keyword == "RUN"]

    def known(self, before: Instruction) -> Mapping[str, str]:
        """Return the variables that are set where an instruction stands."""
        return self._states[before.first].known if before.first in self._states else self.outer

    def workdir(self, before: Instruction) -> str:
        """Return the working folder where an instruction stands, as far as it is known."""
        return self._states[before.first].folder if before.first in self._states else "/"

    @cached_property
    def _states(self) -> Mapping[int, State]:
        """What holds before every instruction of a stage, by its first line."""
        found: dict[int, State] = {}
        ends: list[State] = []
        for stage in self.dockerfile.stages:
            state = ends[stage.parent] if stage.parent >= 0 else State({}, "/")
            for one in stage.instructions:
                found[one.first] = state
                state = state.after(one, self.outer)
            ends.append(state)
        return found

    @cached_property
    def outer(self) -> dict[str, str]:
        """The ``ARG`` before the first ``FROM``."""
        instructions = self.dockerfile.instructions
        starts = [at for at, one in enumerate(instructions) if one.keyword == "FROM"]
        return known_after(instructions[: starts[0]] if starts else ())


def read_run(instruction: Instruction) -> Run:
    """Read the commands of a ``RUN``, in its own line or in its here-document."""
    script = _script(instruction)
    commands = tuple(split_commands(script.text))
    if instruction.json:
        commands = (Command(tuple(Word(text, 0, 0) for text in instruction.json), ""),)
    return Run(instruction, script, commands, tuple(calls(commands)))


def _script(instruction: Instruction) -> Placed:
    arguments = instruction.arguments
    if instruction.json is not None:
        return arguments.part(0, 0)
    if not instruction.heredocs:
        return arguments
    program = arguments.text.partition("<<")[0].strip()
    body = instruction.heredocs[0].body
    foreign = body.text.startswith("#!") and "sh" not in body.text.partition("\n")[0]
    return body if program in _SHELLS and not foreign else arguments.part(0, 0)
