"""The project's own sources as a layer, importable in the image.

They lie below ``<environment>/src/<name>``, the name being the folder's path in the project; a
``.pth`` file puts that folder on ``sys.path`` (and its ``src`` subfolder, where there is one).  A
folder that is itself a package lies one level deeper, under its own name.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Protocol

from kfslim.build.built import BuiltLayer, NewLayer, layer_once
from kfslim.build.content import Piece, compiled, made, write_pieces
from kfslim.build.interpreter import Interpreter
from kfslim.build.servers import Servers
from kfslim.cache import Cache
from kfslim.canonical import value_digest
from kfslim.errors import BadPlan
from kfslim.files import disk_errors
from kfslim.lock.tree import site_packages
from kfslim.measure.combine import importable_names
from kfslim.plan.model import FORMAT, ImagePlan, ProjectLayer

_FACTS = 2  # a new number when more is remembered of a layer


class SourceFile(Protocol):
    """One file of a project: ``path`` is relative to its folder."""

    @property
    def path(self) -> str: ...  # noqa: D102

    @property
    def source(self) -> Path: ...  # noqa: D102

    @property
    def executable(self) -> bool: ...  # noqa: D102


def project_layer(
    plan: ImagePlan,
    project: ProjectLayer,
    files: Sequence[SourceFile],
    cache: Cache,
    interpreter: Interpreter | None = None,
) -> BuiltLayer:
    """Return the layer with a project's sources, made or from the cache.

    Raises:
        BadPlan: the files are not the ones that the plan was made for, or the codec's library or
            the interpreter is another one.
        DiskError: a file cannot be read, or the cache cannot be written.
    """
    identity = "" if plan.bytecode == "none" else plan.base.python.identity

    def fill(new: NewLayer) -> None:
        pieces = project_pieces(plan, project, files)
        servers = Servers([interpreter] if interpreter else [])
        with servers, servers.compiling(identity) as compiling:
            if compiling:
                pieces += compiled(pieces, plan.environment, compiling)
        write_pieces(new.tar, plan.environment, {piece.file.path: piece for piece in pieces})
        paths = [piece.file.path for piece in pieces]
        for place in _places(project, paths):
            new.modules |= importable_names(paths, place)

    key = _key(plan, project, identity)
    return layer_once(cache, key, f"kfslim: project {project.name}", plan.codec, fill)


def _key(plan: ImagePlan, project: ProjectLayer, identity: str) -> str:
    value = {
        "format": [FORMAT, _FACTS],
        "environment": plan.environment,
        "python": plan.base.python.minor,
        "bytecode": identity,
        "codec": plan.codec.model_dump(mode="json"),
        "project": project.model_dump(mode="json"),
    }
    return value_digest(value).removeprefix("sha256:")


def project_pieces(
    plan: ImagePlan, project: ProjectLayer, files: Sequence[SourceFile]
) -> list[Piece]:
    """Return what lies in the environment of a project: its files, and the ``.pth`` to find them.

    Raises:
        BadPlan: the files are not the ones that the plan was made for.
    """
    pieces = _sources(project, files)
    return [*pieces, _path_file(project, pieces, plan)]


def _sources(project: ProjectLayer, files: Sequence[SourceFile]) -> list[Piece]:
    """Read the files, and check that they are the ones of the plan."""
    is_package = any(file.path == "__init__.py" for file in files)
    folder = f"{_folder(project)}/{_package(project)}" if is_package else _folder(project)
    pieces, tree = [], []
    for file in sorted(files, key=lambda file: file.path):
        with disk_errors("reading a project file"):
            data = file.source.read_bytes()
        piece = made(f"{folder}/{file.path}", data, file.executable)
        pieces.append(piece)
        tree.append([file.path, file.executable, piece.file.sha256])
    if value_digest(tree) != f"sha256:{project.tree_sha256}":
        raise BadPlan(
            f"the project folder {project.name} is not what it was when the plan was made",
            hint="Plan again, or bring the folder back to what it was.",
        )
    return pieces


def _folder(project: ProjectLayer) -> str:
    """Where a project's files lie, relative to the environment."""
    parts = [part for part in project.name.split("/") if part not in ("", ".")]
    return "/".join(["src", *("up" if part == ".." else part for part in parts or ["project"])])


def _package(project: ProjectLayer) -> str:
    """The import name of a folder that is itself a package.

    Raises:
        BadPlan: its name cannot be imported.
    """
    name = project.name.rstrip("/").rpartition("/")[2]
    if not name.isidentifier():
        raise BadPlan(
            f"the project folder {project.name!r} holds __init__.py, but is no module name"
        )
    return name


def _places(project: ProjectLayer, paths: Collection[str]) -> list[str]:
    """Return the folders that go on ``sys.path``, relative to the environment."""
    folder = _folder(project)
    inside = f"{folder}/src/"
    is_layout = any(p.startswith(inside) for p in paths) and f"{inside}__init__.py" not in paths
    return [folder, f"{folder}/src"] if is_layout else [folder]


def _path_file(project: ProjectLayer, pieces: Sequence[Piece], plan: ImagePlan) -> Piece:
    """The ``.pth`` file that makes a project importable."""
    places = _places(project, {piece.file.path for piece in pieces})
    text = "".join(f"{plan.environment}/{place}\n" for place in places)
    # Doubling its hyphens keeps "a-b" apart from "a/b".
    name = _folder(project).removeprefix("src/").replace("-", "--").replace("/", "-")
    return made(f"{site_packages(plan.base.python.minor)}/kfslim-{name}.pth", text.encode())
