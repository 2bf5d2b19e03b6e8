"""Python packages: installed twice, cached, or of no use where a step runs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from kfslim.review.lists import names_in, plain_name
from kfslim.review.model import Finding
from kfslim.review.rules.rule import few, found
from kfslim.review.scene import Run, Scene
from kfslim.review.tools import Call, is_folder

DEVELOPMENT = {
    "pytest", "pytest-cov", "pytest-xdist", "pytest-mock", "tox", "nox", "hypothesis", "coverage",
    "black", "ruff", "flake8", "pylint", "isort", "mypy", "pyright", "bandit", "pre-commit",
    "autopep8", "yapf", "jupyter", "jupyterlab", "notebook", "ipykernel", "ipython", "sphinx",
    "mkdocs", "mkdocs-material", "twine", "build", "bumpversion", "bump2version", "ipdb", "pudb",
    "debugpy",
}  # fmt: skip
_LIST = re.compile(
    r"(^|[-_./])(dev|devel|develop|development|test|tests|testing|lint|docs?)([-_.]|$)"
)
_EXTRAS = {
    "dev", "devel", "develop", "development", "test", "tests", "testing", "lint", "docs", "doc",
}  # fmt: skip
_CACHES = {  # tool -> options that keep no cache, variables, and the cache's folder
    "pip": (("--no-cache-dir",), ("PIP_NO_CACHE_DIR",), "/root/.cache/pip"),
    "uv pip": (("--no-cache", "-n"), ("UV_NO_CACHE",), "/root/.cache/uv"),
    "uv": (("--no-cache", "-n"), ("UV_NO_CACHE",), "/root/.cache/uv"),
    "poetry": (("--no-cache",), (), "/root/.cache/pypoetry"),
    "npm": ((), (), "/root/.npm"),
    "conda": ((), (), "/opt/conda/pkgs"),
    "mamba": ((), (), "/opt/conda/pkgs"),
    "micromamba": ((), (), "/opt/conda/pkgs"),
}
_INSTALLS = ("install", "ci", "i", "sync", "add", "create", "env create", "env update")
_CLEANS = re.compile(r"cache|clean")


def twice(scene: Scene) -> Iterator[Finding]:
    """KS601: the same list, the same package, or the project with all that it requires."""
    seen: dict[str, int] = {}
    for run, call in scene.installs:
        if call.is_pip:
            if again := _again(call, seen, scene):
                yield found("KS601", run.instruction, again)
            _remember(call, run, seen, scene)


def _again(call: Call, seen: dict[str, int], scene: Scene) -> str:
    """Say what of a call was installed before."""
    if call.has("-U", "--upgrade", "--force-reinstall", "--no-deps", "--no-dependencies"):
        return ""
    lists = [name for name in call.lists if f"-r {name}" in seen]
    if lists:
        return f"{few(lists)} was installed in line {seen[f'-r {lists[0]}']}"
    packages = [name for name in call.names if plain_name(name) in seen]
    if packages:
        first = plain_name(packages[0])
        return f"{few(packages)} was installed in line {seen[first]}"
    listed = [name for file in call.lists for name in names_in(scene.read, file) if name in seen]
    if listed:
        return f"{few(listed)} of {few(list(call.lists))} was installed in line {seen[listed[0]]}"
    line = next((at for name, at in seen.items() if name.startswith("-r ")), 0)
    if call.project and not call.lists and line:
        return f"the project is installed with its dependencies, after the list in line {line}"
    return ""


def _remember(call: Call, run: Run, seen: dict[str, int], scene: Scene) -> None:
    line = run.instruction.first
    for file in call.lists:
        seen.setdefault(f"-r {file}", line)
        for name in names_in(scene.read, file):
            seen.setdefault(name, line)
    for name in call.names:
        if not is_folder(name) and (plain := plain_name(name)):
            seen.setdefault(plain, line)


def cached(scene: Scene) -> Iterator[Finding]:
    """KS606: an install that keeps its downloads in the layer."""
    for run in scene.runs_in(scene.final):
        known = scene.known(run.instruction)
        for call in run.calls:
            if keeps_cache(call, run, known):
                yield found("KS606", run.instruction, f"{call.tool} keeps what it downloads")
                break


def keeps_cache(call: Call, run: Run, known: Mapping[str, str]) -> bool:
    """Tell whether an install leaves its downloads in the layer of ``run``."""
    rule = _CACHES.get(call.tool)
    if not rule or call.verb not in _INSTALLS:
        return False
    options, variables, folder = rule
    if call.has(*options) or any(known.get(name) for name in variables):
        return False
    text = run.script.text
    if any(f"{name}=" in text for name in variables):
        return False
    cleaned = any(
        (one.tool.split()[0] == call.tool.split()[0] and _CLEANS.search(one.verb))
        for one in run.calls
    )
    return not (cleaned or run.mounts(folder) or _removes(run, folder))


def _removes(run: Run, folder: str) -> bool:
    home = folder.replace("/root", "~")
    above = {folder, home, posixpath.dirname(folder), posixpath.dirname(home), "$HOME/.cache"}
    return any(
        command.program == "rm" and any(word.text.rstrip("/*") in above for word in command.words)
        for command in run.commands
    )


def development(scene: Scene) -> Iterator[Finding]:
    """KS608: test tools, linters and notebooks where a step only runs."""
    for run, call in scene.installs:
        if named := list(_development(call, scene)):
            yield found("KS608", run.instruction, few(named))


def _development(call: Call, scene: Scene) -> Iterator[str]:
    if call.tool == "uv" and call.verb == "sync":
        if not call.has("--no-dev", "--no-default-groups", "--only-group"):
            yield "uv sync installs the dev group"
    elif call.tool == "poetry" and call.verb == "install":
        if not call.has("--only", "--without", "--no-dev"):
            yield "poetry install takes all groups"
    elif call.is_pip:
        for file in call.lists:
            if _LIST.search(file.lower()):
                yield file
            else:
                listed = names_in(scene.read, file)
                yield from (f"{name} ({file})" for name in listed if name in DEVELOPMENT)
        yield from (name for name in call.names if plain_name(name) in DEVELOPMENT)
        for name in (*call.names, *call.values("-e", "--editable")):
            extras = name.partition("[")[2].rstrip("]").replace(" ", "").split(",")
            if is_folder(name) and _EXTRAS.intersection(extras):
                yield name
