"""What is copied, when, and what a later instruction deletes of it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from kfslim.review.model import Finding
from kfslim.review.rules.os_packages import keeps_lists
from kfslim.review.rules.rule import few, found
from kfslim.review.scene import Run, Scene
from kfslim.review.shell import Command
from kfslim.review.syntax import Instruction
from kfslim.review.tools import Call
from kfslim.review.variables import fill

_WHOLE = (".", "./", "/", "*", "./*")
_WRITERS = ("curl", "wget", "git", "tar", "unzip", "cp", "mv", "mkdir")
_REMOVES = ("remove", "purge", "autoremove", "uninstall")
_BY_LIST = {
    ("uv", "sync"), ("poetry", "install"), ("pipenv", "install"), ("pipenv", "sync"),
    ("npm", "install"), ("npm", "ci"), ("yarn", "install"),
    ("conda", "env create"), ("conda", "env update"), ("mamba", "env create"),
}  # fmt: skip


def is_whole_context(instruction: Instruction) -> bool:
    """Tell whether a ``COPY`` or ``ADD`` takes all of the build context."""
    if instruction.keyword not in ("COPY", "ADD") or instruction.flag("from"):
        return False
    return not instruction.heredocs and any(word in _WHOLE for word in instruction.words[:-1])


def installs_dependencies(call: Call) -> bool:
    """Tell whether a call installs what a file of the context lists."""
    if (call.tool, call.verb) in _BY_LIST:
        return True
    return call.is_pip and bool(call.lists or (call.project and not call.has("--no-deps")))


def copied_too_early(scene: Scene) -> Iterator[Finding]:
    """KS603: any change of a source file installs all dependencies anew."""
    for stage in scene.dockerfile.stages:
        line = scene.dockerfile.line(stage)
        installed = False
        for at, one in enumerate(line):
            installed = installed or any(map(installs_dependencies, _calls(scene, one)))
            if installed or one not in stage.instructions or not is_whole_context(one):
                continue
            later = next((x for x in line[at:] if _installs(scene, x)), None)
            if later:
                told = f"line {later.first} installs anew after every change of any file"
                yield found("KS603", one, told)
                break


def _calls(scene: Scene, one: Instruction) -> tuple[Call, ...]:
    return scene.runs[one.first].calls if one.keyword == "RUN" else ()


def _installs(scene: Scene, one: Instruction) -> bool:
    return any(map(installs_dependencies, _calls(scene, one)))


def no_ignore_file(scene: Scene) -> Iterator[Finding]:
    """KS604: all of the context is sent, with what no image needs."""
    context = scene.context
    if context is None or context.ignore_file:
        return
    copies = [one for one in scene.dockerfile.instructions if is_whole_context(one)]
    waste = sum(waste.file_bytes for waste in context.waste)
    if not copies and not waste and not context.leaks:
        return
    kinds = few([*(one.kind for one in context.leaks), *(one.kind for one in context.waste)])
    told = f"the context holds what no image needs: {kinds}" if kinds else "all of it is sent"
    yield found("KS604", copies[0] if copies else None, told, waste or None)


def deleted(scene: Scene) -> Iterator[Finding]:
    """KS612: removed by a later layer, but still in the image."""
    before: list[Instruction] = []
    for one in scene.final:
        if one.keyword == "RUN":
            run = scene.runs[one.first]
            told = [*_removed(run, before, scene), *_uninstalled(run, before, scene)]
            if told:
                yield found("KS612", one, few(told))
        before.append(one)


def _removed(run: Run, before: list[Instruction], scene: Scene) -> Iterator[str]:
    for name, path in _deletes(run, scene.workdir(run.instruction)):
        if made := _maker(path, before, scene):
            yield f"{name} was made in line {made.first}"


def _deletes(run: Run, folder: str) -> Iterator[tuple[str, str]]:
    """Yield what a ``RUN`` deletes, as it is named and as a path."""
    words = [word.text for one in run.commands if one.program == "rm" for word in one.words[1:]]
    for word in words:
        if not word.startswith("-") and "$" not in word:
            yield word, posixpath.normpath(posixpath.join(folder, word.rstrip("*")))


def _maker(path: str, before: list[Instruction], scene: Scene) -> Instruction | None:
    """Return the earlier instruction that put something at ``path``."""
    for one in before:
        if one.keyword in ("COPY", "ADD") and path in _destinations(scene, one):
            return one
        if one.keyword == "RUN" and _fills(scene.runs[one.first], path, scene.workdir(one)):
            return one
    return None


def _destinations(scene: Scene, one: Instruction) -> list[str]:
    words = [fill(word, scene.known(one)) for word in one.words]
    if len(words) < 2:
        return []
    target = posixpath.join(scene.workdir(one), words[-1])
    named = [posixpath.join(target, posixpath.basename(word)) for word in words[:-1]]
    return [posixpath.normpath(path) for path in (target, *named) if path != "/"]


def _fills(run: Run, path: str, folder: str) -> bool:
    if path == "/var/lib/apt/lists":
        return any(keeps_lists(call, run) for call in run.calls)
    if path in ("/root/.cache", "/root/.cache/pip"):
        return any(call.is_pip and not call.has("--no-cache-dir") for call in run.calls)
    if path in (gone for _, gone in _deletes(run, folder)):
        return False
    return any(
        posixpath.normpath(posixpath.join(folder, name)) == path
        for command in run.commands
        for name in _written(command)
    )


def _written(command: Command) -> Iterator[str]:
    """Yield the paths that a command may write, as they are named."""
    previous = ""
    for word in command.words[1:]:
        _, arrow, target = word.text.rpartition(">")
        if arrow or previous.endswith(">"):
            yield target
        elif command.program in _WRITERS:
            yield word.text
        previous = word.text


def _uninstalled(run: Run, before: list[Instruction], scene: Scene) -> Iterator[str]:
    earlier = {
        name: one
        for one in before
        for call in _calls(scene, one)
        if call.verb in ("install", "add")
        for name in call.names
    }
    here = {n for call in run.calls if call.verb in ("install", "add") for n in call.names}
    for call in run.calls:
        for name in call.names if call.verb in _REMOVES else ():
            if name in earlier and name not in here:
                yield f"{name} was installed in line {earlier[name].first}"
