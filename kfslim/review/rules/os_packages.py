"""OS packages: build tools left behind, lists kept, recommended packages taken along."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfslim.measure.waste import is_build_package
from kfslim.review.model import Finding
from kfslim.review.rules.rule import few, found
from kfslim.review.scene import Run, Scene
from kfslim.review.tools import Call

VERSION_CONTROL = ("git", "subversion", "mercurial")
_PIP_BUILDS = {
    "cython", "cmake", "ninja", "meson", "scikit-build-core", "pybind11", "poetry", "pipenv",
}  # fmt: skip
_COMPILERS = ("gcc", "g++", "cc", "make", "cmake", "cargo", "go", "ninja")
_INSTALLS = {
    **dict.fromkeys(("apt-get", "apt", "aptitude", "dnf", "microdnf", "yum"), "install"),
    "apk": "add",
}
_REMOVES = ("remove", "purge", "autoremove", "del", "erase")
_APT_LISTS = "/var/lib/apt/lists"
_LISTS = {
    **dict.fromkeys(("apt-get", "apt", "aptitude"), _APT_LISTS),
    **dict.fromkeys(("dnf", "microdnf"), "/var/cache/dnf"),
    "yum": "/var/cache/yum",
    "apk": "/var/cache/apk",
}
_NO_RECOMMENDS = re.compile(r"Install-Recommends[\s\"=]+(?:0|false)", re.IGNORECASE)


def is_build_tool(name: str) -> bool:
    """Tell whether an OS package only builds things, or fetches sources."""
    return is_build_package(name) or name in VERSION_CONTROL


def _installed(run: Run) -> Iterator[str]:
    for call in run.calls:
        if _INSTALLS.get(call.tool) == call.verb:
            yield from (name.partition("=")[0].partition(":")[0] for name in call.names)


def _built_with(run: Run) -> list[str]:
    """Return the build tools that a ``RUN`` installs and leaves."""
    removed = {name for call in run.calls if call.verb in _REMOVES for name in call.names}
    automatic = any(call.verb == "autoremove" for call in run.calls)
    tools = [name for name in _installed(run) if is_build_tool(name) and name not in removed]
    groups = {value for call in run.calls for value in call.values("--virtual", "-t")}
    if groups & removed or (automatic and removed):
        return []
    pip = (name for call in run.calls if call.is_pip for name in call.names)
    return tools + [name for name in pip if re.split(r"[=<>\[~!]", name)[0] in _PIP_BUILDS]


def build_tools(scene: Scene) -> Iterator[Finding]:
    """KS602: compilers, headers and version control in the stage that runs."""
    for run in scene.runs_in(scene.final):
        if tools := _built_with(run):
            yield found("KS602", run.instruction, few(tools), _weight(scene, tools))


def _weight(scene: Scene, names: list[str]) -> int | None:
    """Return the bytes that the image has of these packages."""
    if not scene.image:
        return None
    packages = scene.image.measurement.os_packages
    return sum(package.disk_bytes for package in packages if package.name in names) or None


def one_stage(scene: Scene) -> Iterator[Finding]:
    """KS613: the only stage installs build tools or calls them."""
    if len(scene.dockerfile.stages) != 1:
        return
    runs = scene.runs_in(scene.final)
    lines = [run.instruction.first for run in runs if _builds(run)]
    if lines:
        told = f"line {lines[0]} builds in the stage that runs"
        yield found("KS613", scene.dockerfile.stages[0].start, told)


def _builds(run: Run) -> bool:
    return bool(_built_with(run)) or any(command.program in _COMPILERS for command in run.commands)


def kept_lists(scene: Scene) -> Iterator[Finding]:
    """KS605: package lists in the layer that fetched them."""
    for run in scene.runs_in(scene.final):
        for call in run.calls:
            if keeps_lists(call, run):
                told = f"{call.tool} {call.verb} leaves its lists in {_LISTS[call.tool]}"
                yield found("KS605", run.instruction, told)
                break


def keeps_lists(call: Call, run: Run) -> bool:
    """Tell whether a call leaves package lists in the layer of ``run``."""
    folder = _LISTS.get(call.tool, "")
    fetches = call.verb == "update" or (call.verb in ("install", "add") and folder != _APT_LISTS)
    if not folder or not fetches or run.mounts(folder):
        return False
    if call.tool == "apk":
        return not (call.has("--no-cache") or _removes(run, folder) or call.verb == "update")
    cleaned = folder != _APT_LISTS and any(
        one.tool == call.tool and one.verb == "clean" for one in run.calls
    )
    return not (cleaned or _removes(run, folder))


def _removes(run: Run, folder: str) -> bool:
    return any(
        command.program in ("rm", "find")
        and any(word.text.rstrip("*").rstrip("/") == folder for word in command.words)
        for command in run.commands
    )


def recommended(scene: Scene) -> Iterator[Finding]:
    """KS607: apt also installs what packages recommend."""
    configured = False
    for run in scene.runs_in(scene.final):
        configured = configured or bool(_NO_RECOMMENDS.search(run.instruction.arguments.text))
        takes = [call for call in run.calls if call.is_apt_install and call.names]
        if not configured and any(not call.has("--no-install-recommends") for call in takes):
            yield found("KS607", run.instruction, f"{takes[0].tool} takes recommended packages")
