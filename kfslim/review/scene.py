"""All that rules look at: a Dockerfile whose commands are read, its context, and its image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from kfslim.context.model import ContextMeasure
from kfslim.measure.model import Measurement
from kfslim.review.shell import Command, split_commands
from kfslim.review.syntax import Dockerfile, Instruction, Placed, Stage
from kfslim.review.tools import Call, calls
from kfslim.review.variables import known_after

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
    def shipped(self) -> tuple[Instruction, ...]:
        """Those, and before them those of the stages that something is copied from."""
        stage = self.dockerfile.final
        found: dict[int, Stage] = {}
        todo = list(self.dockerfile.lineage(stage)) if stage else []
        while todo:
            one = todo.pop()
            if one.number not in found:
                found[one.number] = one
                todo += [*self.dockerfile.lineage(one), *self.sources(one)]
        return tuple(one for number in sorted(found) for one in found[number].instructions)

    def sources(self, stage: Stage) -> list[Stage]:
        """Return the stages that ``stage`` copies from."""
        names = (one.flag("from") for one in stage.instructions if one.keyword == "COPY")
        named = (self.dockerfile.stage_named(name, stage.number) for name in names if name)
        return [one for one in named if one]

    @cached_property
    def runs(self) -> Mapping[int, Run]:
        """All ``RUN`` instructions by their first line."""
        found = (one for one in self.dockerfile.instructions if one.keyword == "RUN")
        return {one.first: read_run(one) for one in found}

    def runs_in(self, instructions: tuple[Instruction, ...]) -> list[Run]:
        """Return the ``RUN`` among ``instructions``."""
        return [self.runs[one.first] for one in instructions if one.keyword == "RUN"]

    def known(self, before: Instruction) -> dict[str, str]:
        """Return the variables that are set where an instruction stands."""
        for stage in self.dockerfile.stages:
            if before in stage.instructions:
                line = self.dockerfile.line(stage)
                return known_after(line[: line.index(before)], self.outer)
        return self.outer

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
