"""What can be done about a finding without a human: edits, or the reason why there are none.

An edit changes what is left in the image, never what the image does.  Where the Dockerfile does not
prove that, the finding is left to whoever knows the program.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from kfslim.context.model import ContextMeasure
from kfslim.review import edits
from kfslim.review.dedupe import same_again
from kfslim.review.edits import Edit
from kfslim.review.model import Finding, Fix
from kfslim.review.reorder import reordered
from kfslim.review.rules.installs import keeps_cache
from kfslim.review.rules.os_packages import keeps_lists
from kfslim.review.scene import Run, Scene
from kfslim.review.shell import Command
from kfslim.review.syntax import Instruction

USER = "1000"  # the first one of people, on most systems; a number, so that Kubernetes can check it
_NEEDS_ROOT = ("nginx", "sshd", "cron", "supervisord", "apache2", "httpd", "su", "gosu", "sudo")
_NOTHING_BEHIND = "nothing can be put behind the end of this shell text"


class Offer(NamedTuple):
    """What ``kfslim fix`` would do; ``edits`` are empty where it is no edit of the Dockerfile."""

    fix: Fix
    edits: tuple[Edit, ...] = ()
    why_not: str = ""


def offer(scene: Scene, finding: Finding) -> Offer:
    """Say what can be done about a finding."""
    make = _FIXES.get(finding.code)
    if make is None:
        return Offer("none", why_not=_LEFT[finding.code])
    one = next((i for i in scene.dockerfile.instructions if i.first == finding.line), None)
    if one is None and finding.code != "KS604":
        return Offer("none", why_not="no line of the Dockerfile is its cause")
    if one and one.keyword == "RUN" and one.json is not None:
        return Offer("none", why_not="it is in the exec form, which no shell reads")
    return make(scene, one)


def _left(why: str) -> Offer:
    return Offer("none", why_not=why)


def _run(scene: Scene, one: Instruction | None) -> Run | None:
    return scene.runs.get(one.first) if one else None


def _no_cache(scene: Scene, one: Instruction | None) -> Offer:
    run = _run(scene, one)
    if run is None:
        return _left("it is no RUN")
    known = scene.known(run.instruction)
    made: list[Edit] = []
    for call in run.calls:
        if not keeps_cache(call, run, known):
            continue
        if call.tool in _NO_CACHE:
            made.append(edits.option(run, call, _NO_CACHE[call.tool]))
        elif behind := edits.command(scene.dockerfile, run, f"{call.tool} {_CLEAN[call.tool]}"):
            made.append(behind)
            break
        else:
            return _left(_NOTHING_BEHIND)
    return Offer("safe", tuple(made))


_NO_CACHE = {"pip": "--no-cache-dir", "uv pip": "--no-cache", "uv": "--no-cache"}
_NO_CACHE["poetry"] = "--no-cache"
_CLEAN = {"npm": "cache clean --force"}
_CLEAN |= dict.fromkeys(("conda", "mamba", "micromamba"), "clean -afy")


def _remove_lists(scene: Scene, one: Instruction | None) -> Offer:
    run = _run(scene, one)
    if run is None:
        return _left("it is no RUN")
    if later := _needs_lists(scene, run):
        return _left(f"line {later} may install with these lists: fetch them there, too")
    call = next(call for call in run.calls if keeps_lists(call, run))
    if call.tool == "apk":
        wanting = [c for c in run.calls if keeps_lists(c, run)]
        return Offer("safe", tuple(edits.option(run, c, "--no-cache") for c in wanting))
    removes = "rm -rf /var/lib/apt/lists/*"
    text = f"{call.tool} clean all" if call.tool in ("dnf", "microdnf", "yum") else removes
    edit = edits.command(scene.dockerfile, run, text)
    return Offer("safe", (edit,)) if edit else _left(_NOTHING_BEHIND)


def _needs_lists(scene: Scene, run: Run) -> int:
    """Return the line of a later install that fetches no lists itself; 0: there is none.

    A script may be one.
    """
    for stage in scene.dockerfile.stages:
        line = scene.dockerfile.line(stage)
        if run.instruction not in line:
            continue
        for later in scene.runs_in(line[line.index(run.instruction) + 1 :]):
            updates = any(call.verb == "update" for call in later.calls)
            installs = any(call.is_apt_install for call in later.calls)
            scripts = any(_is_script(command) for command in later.commands)
            if not updates and (installs or scripts):
                return later.instruction.first
    return 0


def _is_script(command: Command) -> bool:
    named = command.words[1:] if command.program in ("sh", "bash") else command.words[:1]
    return any(word.text.endswith(".sh") or word.text.startswith("./") for word in named)


def _no_recommends(scene: Scene, one: Instruction | None) -> Offer:
    run = _run(scene, one)
    calls = [call for call in (run.calls if run else ()) if call.is_apt_install]
    wanting = [call for call in calls if not call.has("--no-install-recommends")]
    if run is None or not wanting:
        return _left("it is no RUN")
    made = tuple(edits.option(run, call, "--no-install-recommends") for call in wanting)
    return Offer("asked", made, "the program may use a recommended package")


def _set_user(scene: Scene, one: Instruction | None) -> Offer:
    stage = scene.dockerfile.final
    if stage is None or one is None:
        return _left("there is no stage")
    if one.keyword == "USER":
        return _left("somebody chose root here")
    for end in stage.instructions:
        program = (end.words or ("",))[0].rpartition("/")[2]
        if end.keyword in ("CMD", "ENTRYPOINT") and program in _NEEDS_ROOT:
            return _left(f"{program} starts as root")
        if end.keyword == "EXPOSE" and any(_is_low(word) for word in end.words):
            return _left("it listens on a port below 1024")
    last = stage.instructions[-1]
    made = _behind(scene, last, f"USER {USER}")
    return Offer("asked", (made,), "the program may write where only root may")


def _is_low(port: str) -> bool:
    number = port.partition("/")[0]
    return number.isdigit() and int(number) < 1024


def _behind(scene: Scene, last: Instruction, text: str) -> Edit:
    """Return the edit that puts a line behind an instruction."""
    piece = next(piece for piece in scene.dockerfile.pieces if piece.instruction is last)
    end = edits.line_end(scene.dockerfile)
    if piece.text.endswith("\n"):
        return Edit(piece.end, piece.end, f"{text}{end}")
    return Edit(piece.end, piece.end, f"{end}{text}{end}")


def _ignore_file(scene: Scene, _one: Instruction | None) -> Offer:
    context = scene.context
    if context is None:
        return _left("the build context is not known")
    chosen = [one.kind for one in context.waste if one.code in _CHOSEN]
    if chosen or context.leaks:
        what = chosen[0] if chosen else context.leaks[0].path
        return Offer("asked", why_not=f"the program may read what it would keep out: {what}")
    if name := _used(scene, context):
        return Offer("asked", why_not=f"the image may use {name}, which it would keep out")
    return Offer("safe")


def _used(scene: Scene, context: ContextMeasure) -> str:
    """Return the name of a folder of the context that is waste elsewhere, and is used here."""
    names = {one.pattern.rpartition("/")[2] for one in context.waste}
    scripts = any(call.tool in ("npm", "yarn") for run in scene.runs.values() for call in run.calls)
    for name in sorted(names):
        mentioned = any(name in one.arguments.text for one in scene.dockerfile.instructions)
        if mentioned or (name == "node_modules" and not scripts):
            return name
    return ""


_CHOSEN = ("KS715", "KS716", "KS717", "KS718")  # data, models, notebooks, archives


def _pin(scene: Scene, one: Instruction | None) -> Offer:
    if one is None or "$" in one.arguments.text:
        return _left("its reference is made of variables")
    return Offer("pin", why_not="it takes --pin: a registry must be asked")


def pinned(instruction: Instruction, reference: str) -> Edit:
    """Return the edit that makes a ``FROM`` name ``reference``."""
    image = instruction.arguments.text.split()[0]
    start = instruction.arguments.text.index(image)
    where = instruction.arguments
    return Edit(where.offsets[start], where.end_of(start + len(image)), reference)


def _reorder(scene: Scene, one: Instruction | None) -> Offer:
    made, why = reordered(scene, one) if one else ((), "it is in no line")
    return Offer("safe", made) if made else _left(why)


def _once(scene: Scene, one: Instruction | None) -> Offer:
    run = _run(scene, one)
    made, why = same_again(scene, run) if run else ((), "it is no RUN")
    return Offer("safe", made) if made else _left(why)


_FIXES: dict[str, Callable[[Scene, Instruction | None], Offer]] = {
    "KS601": _once,
    "KS603": _reorder,
    "KS604": _ignore_file,
    "KS605": _remove_lists,
    "KS606": _no_cache,
    "KS607": _no_recommends,
    "KS609": _pin,
    "KS610": _set_user,
}
_LEFT = {
    "KS602": "what runs may need them, and where to build is a matter of the project",
    "KS608": "which of them the program uses at run time is not told by the Dockerfile",
    "KS611": "the secret must be replaced, and how the build gets it is yours to say",
    "KS612": "what lies between making and deleting may need the files",
    "KS613": "which files a second stage needs is not told by the Dockerfile",
}
