"""An install that repeats another one: left out, or without what is there already."""

from __future__ import annotations

from collections.abc import Iterable

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from kfslim.review import edits
from kfslim.review.edits import Edit
from kfslim.review.lists import lines_in
from kfslim.review.rules.copies import workdir
from kfslim.review.scene import Run, Scene
from kfslim.review.tools import Call

Made = tuple[tuple[Edit, ...], str]
_OTHER = "it is not the same install as before"


def same_again(scene: Scene, run: Run) -> Made:
    """Return the edits that install nothing twice, or why there are none."""
    stage = next(s for s in scene.dockerfile.stages if run.instruction in s.instructions)
    line = scene.dockerfile.line(stage)
    before = scene.runs_in(line[: line.index(run.instruction)])
    if len(run.calls) != 1 or len(run.commands) != 1:
        return (), "its RUN does more"
    call = run.calls[0]
    earlier = [one for other in before for one in other.calls if one.is_pip]
    if any(_words(one) == _words(call) for one in earlier) and not call.project:
        folders = {workdir(scene, other.instruction) for other in before}
        if folders == {workdir(scene, run.instruction)}:
            return _without(scene, run), ""
    if call.project and call.names == (".",) and not call.lists:
        return _alone(scene, run, call)
    return (), _OTHER


def _words(call: Call) -> tuple[str, ...]:
    """Return the words of an install but for those about its cache."""
    quiet = ("--no-cache-dir", "--no-cache", "-q", "--quiet")
    return tuple(word.text for word in call.command.words if word.text not in quiet)


def _without(scene: Scene, run: Run) -> tuple[Edit, ...]:
    piece = next(p for p in scene.dockerfile.pieces if p.instruction is run.instruction)
    return (Edit(piece.start, piece.end, ""),)


def _alone(scene: Scene, run: Run, call: Call) -> Made:
    """Install the project without its dependencies, if a list names all of them."""
    wanted = scene.dependencies
    if wanted is None:
        return (), "which dependencies the project has is not said in a pyproject.toml"
    files = [file for _, other in scene.installs for file in other.lists]
    listed = [text for file in files for text in lines_in(scene.read, file) or ()]
    missing = [text for text in wanted if not _is_listed(text, listed)]
    if missing:
        return (), f"the project requires {missing[0]}, and no list says just that"
    return (edits.option(run, call, "--no-deps"),), ""


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
