"""The roads beside kfslim's, with Docker Engine: the article's Dockerfile, and an expert's."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from parts.real_registry import Registry

from bench.engine import Docker, engine
from bench.local_base import NAME, make_local_base
from bench.show import note
from bench.ways import Way, pushed, sizes
from bench.workspace import SEED_LIST, Workspace
from kfslim.lock.uv import find_uv

IMAGE = "list:latest"
# The seed's final Dockerfile without the project's own files, which this is not about.
ARTICLE = f"""\
FROM {NAME} AS builder
WORKDIR /install
COPY requirements.txt .
RUN pip install --prefix=/install --no-cache-dir -r requirements.txt

FROM {NAME}
WORKDIR /app
COPY --from=builder /install /usr/local
"""
# uv would come from its own image; here it lies in the context.
EXPERT = f"""\
FROM {NAME} AS builder
COPY uv /usr/local/bin/uv
WORKDIR /install
COPY requirements.txt .
RUN --mount=type=cache,target=/root/.cache/uv \\
    uv pip install --prefix=/install --python=/usr/bin/python3 --link-mode=copy \\
    --compile-bytecode -r requirements.txt

FROM {NAME}
WORKDIR /app
COPY --from=builder /install /usr/local
"""


def article(workspace: Workspace) -> list[Way]:
    """Build and push the article's way, from an empty engine."""
    with _parts(workspace, "article") as (docker, registry):
        context = _context(workspace.file("article"), ARTICLE, SEED_LIST.read_text())
        way = _build_and_push(docker, registry, context, "article: docker build, pip")
        return [_sized(way, registry)]


def expert(workspace: Workspace, bumped: str) -> list[Way]:
    """Build and push the expert's way: cold, then with ``bumped`` (``name==version``), then again.

    The cold image is what stays in the registry under its tag.
    """
    with _parts(workspace, "expert") as (docker, registry):

        def build(name: str, requirements: str) -> Way:
            context = _context(workspace.file("expert"), EXPERT, requirements)
            return _build_and_push(docker, registry, context, name, buildkit=True)

        wanted = SEED_LIST.read_text()
        other = wanted.replace(bumped.partition("==")[0], bumped)
        cold = _sized(build("expert: BuildKit, uv, cache mount", wanted), registry)
        return [
            cold,
            build("expert, one dependency bumped", other),
            build("expert, unchanged", other),
        ]


@contextmanager
def _parts(workspace: Workspace, way: str) -> Iterator[tuple[Docker, Registry]]:
    """An empty registry, and an engine that holds the local base only."""
    with engine() as docker, workspace.registry(way, empty=True) as registry:
        make_local_base(docker, workspace.folder)
        yield docker, registry


def _context(folder: Path, dockerfile: str, requirements: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Dockerfile").write_text(dockerfile)
    (folder / "requirements.txt").write_text(requirements)
    if "COPY uv" in dockerfile and not (folder / "uv").exists():
        shutil.copy(find_uv(), folder / "uv")
    return folder


def _build_and_push(
    docker: Docker, registry: Registry, context: Path, name: str, *, buildkit: bool = False
) -> Way:
    note(name)
    reference = f"{registry.host}/{IMAGE}"
    build = docker("build", "--network", "host", "-t", reference, context, buildkit=buildkit)
    with pushed(registry) as sent:
        push = docker("push", reference)
    parts = {"build": build.seconds, "push": push.seconds}
    return Way(name, build.seconds + push.seconds, parts, pushed_bytes=sent())


def _sized(way: Way, registry: Registry) -> Way:
    content, disk = sizes(registry.reference(IMAGE))
    return replace(way, content_bytes=content, disk_bytes=disk)
