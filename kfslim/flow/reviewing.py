"""A Dockerfile reviewed and mended: with its build context, and its image where one is named."""

from __future__ import annotations

import difflib
import posixpath
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from kfslim.context.copied import copied_paths
from kfslim.context.ignore import DockerIgnore
from kfslim.errors import BadConfig, InputError, NotFound
from kfslim.files import atomic_path, disk_errors
from kfslim.flow.before import measure_image
from kfslim.flow.context import Context
from kfslim.flow.contexts import Proposal, measure_context, propose_ignore
from kfslim.oci import Platform, parse_reference
from kfslim.review.history import Joined, join
from kfslim.review.look import look
from kfslim.review.make import findings, review
from kfslim.review.mend import mend
from kfslim.review.model import Finding, Review
from kfslim.review.parser import parse
from kfslim.review.scene import Scene
from kfslim.steps.tomlfile import read_toml

_NAMES = ("dockerfile", "containerfile")
_OTHERS = (".txt", ".in", ".toml", ".yaml", ".yml", ".py", ".json", ".md", ".lock")
_MOST = 1 << 20  # bytes of a Dockerfile, or of a list in its context


def is_dockerfile(path: Path) -> bool:
    """Tell by its name whether ``path`` is a Dockerfile, or by what a file without one holds."""
    name = path.name.lower()
    if path.is_dir():
        return False
    if name.startswith(_NAMES) or name.endswith(tuple(f".{one}" for one in _NAMES)):
        return path.suffix.lower() not in _OTHERS
    if path.suffix.lower() in _OTHERS:
        return False
    try:
        dockerfile = parse(read_dockerfile(path))
    except InputError:
        return False
    return not dockerfile.unread


def read_dockerfile(path: Path) -> str:
    """Return the text of a Dockerfile; bytes that are no UTF-8 become surrogates.

    Raises:
        InputError: it cannot be read, is no text, or has no ``FROM``.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    if b"\0" in data or len(data) > _MOST:
        raise InputError(f"{path} is no Dockerfile: it is {_unlike(data)}")
    text = data.decode("utf-8", "surrogateescape")
    dockerfile = parse(text)
    if not dockerfile.stages:
        lines = ", ".join(str(piece.first) for piece in dockerfile.unread[:5])
        told = f"; not read: line {lines}" if lines else ""
        raise InputError(f"{path} is no Dockerfile: it has no FROM{told}")
    return text


def _unlike(data: bytes) -> str:
    return "no text" if b"\0" in data else f"larger than {_MOST >> 20} MiB"


def review_dockerfile(
    context: Context, path: Path, folder: Path, image: str | None, platform: Platform
) -> Review:
    """Review the Dockerfile at ``path`` with the build context ``folder``.

    ``image`` is a reference; its history and layers are then read, too.

    Raises:
        InputError: something given cannot be read, or is none.
        KfslimError: the image cannot be read.
    """
    scene = _scene(context, path, folder)(read_dockerfile(path))
    if image is None:
        return review(scene, str(path))
    scene, joined = _with_image(context, scene, image, platform)
    return review(scene, str(path), joined)


def _scene(context: Context, path: Path, folder: Path) -> Callable[[str], Scene]:
    """Return what makes of a text the scene with its context; that is measured once."""
    measured = measure_context(folder, path, progress=context.progress)
    read, dependencies = _reader(folder), _dependencies(folder)
    empty = Scene(parse(""), read, measured, dependencies=dependencies)
    return lambda text: replace(empty, dockerfile=parse(text))


def _with_image(
    context: Context, scene: Scene, reference: str, platform: Platform
) -> tuple[Scene, Joined]:
    parsed = parse_reference(reference)
    image = context.reader(parsed).read(parsed.digest or parsed.tag, platform)
    measured = measure_image(context, image, reference)
    facts = look(image, measured, context.progress)
    joined = join(scene.final, facts.history, measured.layers)
    return replace(scene, image=facts, lines=joined.lines), joined


def _reader(folder: Path) -> Callable[[str], str | None]:
    root = folder.resolve()

    def read(name: str) -> str | None:
        path = (root / name.lstrip("/")).resolve()
        try:
            if not path.is_relative_to(root) or not path.is_file() or path.stat().st_size > _MOST:
                return None
            return path.read_text("utf-8-sig", "replace")
        except (OSError, ValueError):
            return None

    return read


def _dependencies(folder: Path) -> tuple[str, ...] | None:
    """Return what the pyproject.toml of ``folder`` declares; None: it leaves that to a program."""
    try:
        project = read_toml(folder / "pyproject.toml").get("project", {})
    except BadConfig:
        return None
    if not isinstance(project, dict) or "dependencies" in project.get("dynamic", ()):
        return None
    declared = project.get("dependencies", [])
    return tuple(map(str, declared)) if project and isinstance(declared, list) else None


class Fixed(NamedTuple):
    """A mended Dockerfile: its texts, what was done and what is left, and the ignore file."""

    path: Path
    before: str
    after: str
    done: tuple[Finding, ...]
    left: tuple[Finding, ...]
    ignore: Proposal | None

    @property
    def diff(self) -> str:
        """A unified diff of all that changes; empty where nothing does."""
        lines = difflib.unified_diff(
            _lines(self.before), _lines(self.after), str(self.path), str(self.path)
        )
        return "".join(map(_ended, lines)) + (self.ignore.diff if self.ignore else "")

    def write(self) -> None:
        """Write what changed, each file in one rename, with its mode.

        Raises:
            DiskError: it cannot be written.
        """
        if self.ignore:
            self.ignore.write()
        if self.after != self.before:
            target = self.path.resolve()
            with disk_errors(f"writing {self.path}"):
                mode = target.stat().st_mode & 0o7777
            with atomic_path(target, mode) as temporary:
                temporary.write_bytes(self.after.encode("utf-8", "surrogateescape"))


def _lines(text: str) -> list[str]:
    """Return the lines with their ends; only a line feed ends one."""
    return [line + "\n" for line in text.split("\n")[:-1]] + [
        line for line in text.split("\n")[-1:] if line
    ]


def _ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def fix_dockerfile(
    context: Context,
    path: Path,
    folder: Path,
    only: Collection[str] = (),
    *,
    pin: bool = False,
    image: str | None = None,
    platform: Platform | None = None,
) -> Fixed:
    """Mend the Dockerfile at ``path`` as far as that is safe, or the codes of ``only``.

    Nothing is written.  ``pin`` asks registries for the digests of bases.  What only ``image``
    tells is among what is left, with the lines of the file as it is.

    Raises:
        InputError: something given cannot be read, or is none.
        KfslimError: a base or the image cannot be read.
    """
    text = read_dockerfile(path)
    scene_of = _scene(context, path, folder)
    digests = _digests(context, scene_of(text)) if pin else {}
    mended = mend(text, scene_of, only, digests)
    fixed = Fixed(path, text, mended.text, mended.done, mended.left, None)
    fixed = _with_ignore_file(fixed, scene_of(text), folder, only)
    if image is None:
        return fixed
    scene, _ = _with_image(context, scene_of(text), image, platform or Platform())
    known = {(one.code, one.line) for one in findings(scene_of(text))}
    told = (one for one in findings(scene) if (one.code, one.line) not in known)
    return fixed._replace(left=(*fixed.left, *told))


def _with_ignore_file(fixed: Fixed, scene: Scene, folder: Path, only: Collection[str]) -> Fixed:
    """Add the ignore file, where it is wanted and keeps out nothing that is used."""
    one = next((one for one in fixed.left if one.code == "KS604"), None)
    if one is None or not (one.code in only if only else one.fix == "safe"):
        return fixed
    rest = tuple(other for other in fixed.left if other is not one)
    proposal, why = _ignore(scene, fixed.path, folder)
    if proposal:
        return fixed._replace(done=(*fixed.done, one), left=rest, ignore=proposal)
    return fixed._replace(left=(*rest, one.model_copy(update={"fix": "none", "why_not": why})))


def _ignore(scene: Scene, path: Path, folder: Path) -> tuple[Proposal | None, str]:
    """Return the ignore file to write, unless it keeps out what the build needs."""
    if scene.context is None:
        return None, "the build context is not known"
    proposal = propose_ignore(scene.context, folder, path)
    rules = DockerIgnore(proposal.after)
    for copied in sorted(copied_paths(scene.dockerfile.text)):
        if rules.ignores(posixpath.normpath(copied)):
            return None, f"it would keep out {copied}, which is copied"
    if (folder / ".git").exists() and _versions_by_git(folder):
        return None, "the project takes its version from .git, which it would keep out"
    return proposal, ""


def _versions_by_git(folder: Path) -> bool:
    texts = (_reader(folder)(name) or "" for name in ("pyproject.toml", "setup.py", "setup.cfg"))
    tools = ("setuptools_scm", "setuptools-scm", "hatch-vcs", "versioneer", "pbr", "versioningit")
    return any(tool in text for text in texts for tool in tools)


def _digests(context: Context, scene: Scene) -> Mapping[str, str]:
    """Return each base's reference with the digest that its tag has now."""
    found = {}
    for stage in scene.dockerfile.stages:
        name = stage.image
        if stage.parent < 0 and name.lower() != "scratch" and "@" not in name and "$" not in name:
            parsed = parse_reference(name)
            there = context.reader(parsed).resolve(parsed.tag)
            if there is None:
                raise NotFound(f"there is no image {name} to pin")
            found[name] = f"{name}@{there.digest}"
    return found
