"""``COPY . .`` before an install → the requirement lists, the install, then the rest."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from kfslim.review.edits import Edit, line_end
from kfslim.review.lists import files_in, lines_in
from kfslim.review.scene import Run, Scene
from kfslim.review.syntax import Instruction, Piece
from kfslim.review.variables import fill

_HARMLESS = {  # options of pip that read no file of the context
    "--no-cache-dir", "--no-cache", "-q", "--quiet", "-U", "--upgrade", "-i", "--index-url",
    "--extra-index-url", "--trusted-host", "--prefix", "-t", "--target", "--timeout",
    "--default-timeout", "--retries", "--progress-bar", "--require-hashes", "--prefer-binary",
    "--no-compile", "--compile-bytecode", "--system", "--user", "-r", "--requirement",
    "--disable-pip-version-check", "--root-user-action", "--no-deps", "--no-warn-script-location",
}  # fmt: skip
_SETTINGS = (
    "PIP_CONFIG_FILE",
    "PIP_CONSTRAINT",
    "PIP_FIND_LINKS",
    "UV_CONFIG_FILE",
    "UV_CONSTRAINT",
)
Made = tuple[tuple[Edit, ...], str]


def reordered(scene: Scene, copy: Instruction) -> Made:
    """Return the edits that move ``copy`` behind the install that follows, or why there are none.

    Nothing but pip may run between them, and its lists must be all that it reads of the context.
    """
    pieces = scene.dockerfile.pieces
    at = next(n for n, piece in enumerate(pieces) if piece.instruction is copy)
    following = next((n for n, p in enumerate(pieces) if n > at and p.kind != "blank"), 0)
    install = pieces[following].instruction if following else None
    if not install or install.keyword != "RUN":
        return (), "another instruction stands between it and the install"
    run = scene.runs[install.first]
    files, why = _read_by(scene, run)
    why = why or _configured(scene, run) or _elsewhere(scene, copy)
    if why:
        return (), why
    return _swapped(scene, pieces, (at, following), files), ""


def _read_by(scene: Scene, run: Run) -> tuple[tuple[str, ...], str]:
    """Return the lists that a ``RUN`` reads, or why more of the context may be read."""
    if not run.calls or len(run.calls) != len(run.commands):
        return (), "the RUN that follows does more than install"
    found: list[str] = []
    for call in run.calls:
        if not call.is_pip or call.project or not call.lists:
            return (), "the RUN that follows installs more than requirement lists"
        odd = [name for name, _ in call.options if name not in _HARMLESS]
        if odd:
            return (), f"{odd[0]} may read another file of the context"
        for file in call.lists:
            files = None if "$" in file or file.startswith(("/", "..")) else _plain(scene, file)
            if files is None:
                return (), f"{file} cannot be read here, or names files of the context"
            found += files
    return tuple(dict.fromkeys(found)), ""


def _configured(scene: Scene, run: Run) -> str:
    """Say which settings of the context an installer may read."""
    known = scene.known(run.instruction)
    if named := next((name for name in _SETTINGS if name in known), ""):
        return f"{named} may name a file of the context"
    if any(call.tool == "uv pip" for call in run.calls):
        tables = scene.read("pyproject.toml") or ""
        if scene.read("uv.toml") is not None or "[tool.uv" in tables:
            return "uv reads its settings from the context"
    return ""


def _plain(scene: Scene, file: str) -> tuple[str, ...] | None:
    """Return a list and those that it includes, if they name nothing else in the context."""
    lines = lines_in(scene.read, file)
    if lines is None:
        return None
    named = (line.split()[0] for line in lines if not line.startswith("--hash"))
    odd = any(word.startswith((".", "/", "-e", "-c", "-f", "--e", "--c", "--f")) for word in named)
    return None if odd or any("@ file:" in line for line in lines) else files_in(scene.read, file)


def _elsewhere(scene: Scene, copy: Instruction) -> str:
    """Say why the lists would not lie where they did."""
    words = [fill(word, scene.known(copy)) for word in copy.words]
    if len(words) != 2 or words[0] not in (".", "./") or copy.keyword != "COPY":
        return "it copies more than the context"
    folder = scene.workdir(copy)
    if posixpath.normpath(posixpath.join(folder, words[1])) != folder:
        return "it copies to another folder than the one where pip runs"
    return ""


def _swapped(
    scene: Scene, pieces: Sequence[Piece], between: tuple[int, int], files: Sequence[str]
) -> tuple[Edit, ...]:
    """Swap the two instructions, each with the comment right above it; copy the lists first."""
    at, following = between
    text, end = scene.dockerfile.text, line_end(scene.dockerfile)
    first, copied = _comment(text, pieces, at), pieces[at].end
    above, behind = _comment(text, pieces, following), pieces[following].end
    flags = "".join(f"{flag} " for flag in _flags(pieces[at]))
    lists = "".join(
        f"COPY {flags}{' '.join(names)} {folder}{end}" for folder, names in _by_folder(files)
    )
    install = text[pieces[following].start : behind]
    install += "" if install.endswith("\n") else end
    moved = text[first:copied]
    new = text[above : pieces[following].start] + lists + install + text[copied:above] + moved
    return (Edit(first, behind, new),)


def _flags(piece: Piece) -> tuple[str, ...]:
    return piece.instruction.flags if piece.instruction else ()


def _by_folder(files: Sequence[str]) -> list[tuple[str, list[str]]]:
    folders: dict[str, list[str]] = {}
    for file in files:
        folder = posixpath.dirname(file)
        folders.setdefault(f"./{folder}/" if folder else "./", []).append(file)
    return list(folders.items())


def _comment(text: str, pieces: Sequence[Piece], at: int) -> int:
    """Return where the comment begins that stands right above a piece."""
    start = pieces[at].start
    if at and pieces[at - 1].kind == "blank":
        for line in reversed(pieces[at - 1].text.splitlines(keepends=True)):
            directive = "=" in line and pieces[at - 1].first == 1
            if not line.strip().startswith("#") or directive:
                break
            start -= len(line)
    return start
