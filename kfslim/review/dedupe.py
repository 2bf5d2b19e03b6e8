"""An install that repeats another one: left out, or without what is there already."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from kfslim.review import edits
from kfslim.review.edits import Edit
from kfslim.review.lists import lines_in
from kfslim.review.rules.copies import is_whole_context
from kfslim.review.scene import Run, Scene
from kfslim.review.syntax import Instruction
from kfslim.review.tools import Call

Made = tuple[tuple[Edit, ...], str]
_BETWEEN = "what stands between the two may have changed what is installed"
_PYTHON_TOOLS = ("pip", "uv", "uv pip", "poetry", "pipenv", "conda", "mamba", "micromamba")


def same_again(scene: Scene, run: Run) -> Made:
    """Return the edits that install nothing twice, or why there are none."""
    if len(run.calls) != 1 or len(run.commands) != 1:
        return (), "its RUN does more"
    call = run.calls[0]
    if call.project and call.names == (".",) and not call.lists:
        return _alone(scene, run, call)
    stage = next(s for s in scene.dockerfile.stages if run.instruction in s.instructions)
    line = scene.dockerfile.line(stage)
    between: list[Instruction] = []
    for one in reversed(line[: line.index(run.instruction)]):
        if one.keyword == "RUN" and _repeats(scene.runs[one.first], call):
            harmless = all(_is_harmless(scene, other) for other in between)
            return (_without(scene, run), "") if harmless else ((), _BETWEEN)
        between.append(one)
    return (), "it is not the same install as before"


def _repeats(earlier: Run, call: Call) -> bool:
    return not call.project and any(_words(one) == _words(call) for one in earlier.calls)


def _is_harmless(scene: Scene, one: Instruction) -> bool:
    """Tell whether an instruction changes neither what is installed nor what a list says."""
    if one.keyword == "RUN":
        run = scene.runs[one.first]
        known = 0 < len(run.commands) == len(run.calls)
        return known and not any(call.tool in _PYTHON_TOOLS for call in run.calls)
    if one.keyword in ("COPY", "ADD"):
        name = posixpath.basename(one.words[-1])
        renamed = name not in ("", ".") and name != posixpath.basename(one.words[0].rstrip("/"))
        return not (one.flag("from") or one.heredocs or renamed)
    return one.keyword in ("LABEL", "EXPOSE", "CMD", "ENTRYPOINT", "STOPSIGNAL", "HEALTHCHECK")


def _words(call: Call) -> tuple[str, ...]:
    """Return the words of an install but for those about its cache."""
    quiet = ("--no-cache-dir", "--no-cache", "-q", "--quiet")
    return tuple(word.text for word in call.command.words if word.text not in quiet)


def _without(scene: Scene, run: Run) -> tuple[Edit, ...]:
    piece = next(p for p in scene.dockerfile.pieces if p.instruction is run.instruction)
    return (Edit(piece.start, piece.end, ""),)


def _alone(scene: Scene, run: Run, call: Call) -> Made:
    """Install the project without its dependencies, if a list names all of them."""
    wanted = scene.dependencies if _is_at_root(scene, run) else None
    if wanted is None:
        return (), "which dependencies the project has is not said in a pyproject.toml"
    listing = [
        other for _, other in scene.installs if other.lists and _serves_same(scene, other, call)
    ]
    listed = [
        text for o in listing for file in o.lists for text in lines_in(scene.read, file) or ()
    ]
    missing = [text for text in wanted if not _is_listed(text, listed)]
    if missing:
        return (), f"the project requires {missing[0]}, and no list says just that"
    return (edits.option(run, call, "--no-deps"),), ""


def _is_at_root(scene: Scene, run: Run) -> bool:
    """Tell whether the folder that is installed is the context's own."""
    folder = scene.workdir(run.instruction)
    for one in scene.final:
        if one.keyword == "COPY" and not one.flag("from") and one.first < run.instruction.first:
            named = is_whole_context(one) or "pyproject.toml" in map(
                posixpath.normpath, one.words[:-1]
            )
            target = posixpath.normpath(posixpath.join(scene.workdir(one), one.words[-1]))
            if named and target in (folder, f"{folder.rstrip('/')}/pyproject.toml"):
                return True
    return False


def _serves_same(scene: Scene, other: Call, call: Call) -> bool:
    """Tell whether what ``other`` installs is where ``call`` looks, with all that it requires."""
    if other.has("--no-deps", "--no-dependencies", "-t", "--target", "--root", "--python"):
        return False
    if other.has("--prefix"):
        copies = (one for one in scene.final if one.keyword == "COPY" and one.flag("from"))
        return other.command.program == call.command.program and any(
            one.words[-1].rstrip("/") in ("/usr/local", "/usr") for one in copies
        )
    return other.command.words[0].text == call.command.words[0].text


def _is_listed(text: str, listed: Iterable[str]) -> bool:
    """Tell whether a list installs what ``text`` requires, by an equal or a stricter line."""
    wanted = _parsed(text)
    return wanted is not None and any(_serves(_parsed(line), wanted) for line in listed)


def _serves(line: Requirement | None, wanted: Requirement) -> bool:
    if line is None or line.marker or wanted.url or line.url:
        return False
    if canonicalize_name(line.name) != canonicalize_name(wanted.name):
        return False
    pins = [one.version for one in line.specifier if one.operator == "=="]
    fits = not wanted.specifier or line.specifier == wanted.specifier
    fits = fits or any("*" not in pin and wanted.specifier.contains(pin, True) for pin in pins)
    return fits and wanted.extras <= line.extras


def _parsed(text: str) -> Requirement | None:
    try:
        return Requirement(text.partition(" --hash")[0])
    except InvalidRequirement:
        return None
