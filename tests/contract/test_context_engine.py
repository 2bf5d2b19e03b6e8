"""What an image holds after ``COPY . /``, built by a real engine, is what we say is sent."""

from __future__ import annotations

import io
import os
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from parts.context_trees import IGNORES, TREES, known_by, make
from parts.docker_client import docker_clients

from kfslim.context.folder import open_folder
from kfslim.context.walk import walk

OLD = 20  # a major version whose BuildKit client carries the older matcher


@pytest.fixture(scope="module")
def buildkit(engine: str) -> str:
    """A client that speaks BuildKit: Debian's own has it, a newer one may lack buildx."""
    for client in reversed(docker_clients()):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
            if built(client, Path(folder)):
                return client
    pytest.skip("no docker client here builds with BuildKit")


def built(client: str, folder: Path, *options: str) -> dict[str, str]:
    """Build with BuildKit; return what the image's root holds, but for folders."""
    done = subprocess.run(
        [client, "build", "-q", "-o", "type=tar,dest=-", *options, folder],
        env={**os.environ, "DOCKER_BUILDKIT": "1"}, capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode:
        return {}
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        return {one.name: one.linkname or oct(one.mode) for one in tar if not one.isdir()}


def kept(root: Path, dockerfile: Path | None = None) -> dict[str, str]:
    """Return what we say is sent, but for folders: where links lead, the modes of files."""
    context = open_folder(root, dockerfile, "buildkit")
    found = (entry for entry in walk(root, context.ignore, "buildkit") if not entry.is_folder)
    return {entry.path: entry.target or oct(entry.stat.st_mode & 0o7777) for entry in found}


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(paths=TREES, lines=IGNORES)
@example(paths=["a/b/ab", "a/a", "b"], lines=["a", "!a/b/ab"])
@example(paths=["a/data/a", "b"], lines=["Dockerfile", ".dockerignore", "a/**", "!a/*"])
def test_buildkit_copies_what_is_kept(buildkit, paths, lines):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make(root, paths)
        known = [line for line in known_by(OLD, lines) if not re.search(r"!.*[*?[\\]", line)]
        (root / ".dockerignore").write_bytes("\n".join(known).encode())
        assert built(buildkit, root) == kept(root)


def test_the_dockerfiles_own_ignore_file_wins(buildkit, tmp_path):
    make(tmp_path, ["a", "b", "c", "docker/x"])
    dockerfile = tmp_path / "docker/Dockerfile"
    (tmp_path / "Dockerfile").rename(dockerfile)
    (tmp_path / ".dockerignore").write_text("a\n")
    (tmp_path / "docker/Dockerfile.dockerignore").write_text("b\ndocker\n")
    held = built(buildkit, tmp_path, "-f", str(dockerfile))
    assert held == kept(tmp_path, dockerfile)
    assert set(held) == {"a", "c", ".dockerignore"}


def test_the_classic_builder_copies_what_is_sent(engine, tmp_path):
    import docker

    make(tmp_path, ["a", "b", "src/a.py", "data/keep", "data/more"])
    (tmp_path / ".dockerignore").write_text(
        "Dockerfile\n.dockerignore\nb\n*/a*\ndata\n!data/keep\n"
    )
    client = docker.from_env()
    done = subprocess.run(
        [docker_clients()[0], "build", "-q", tmp_path],
        env={**os.environ, "DOCKER_BUILDKIT": "0"}, capture_output=True, check=True, text=True,
    )  # fmt: skip
    container = client.containers.create(done.stdout.strip(), "none")
    try:
        with tarfile.open(fileobj=io.BytesIO(b"".join(container.export()))) as tar:
            held = {one.name for one in tar if not one.isdir()}
    finally:
        container.remove()
        client.images.remove(done.stdout.strip())
        client.close()
    context = open_folder(tmp_path, None, "classic")
    sent = walk(tmp_path, context.ignore, "classic")
    copied = {entry.path for entry in sent if not entry.is_folder} - {"Dockerfile", ".dockerignore"}
    made_by_engine = (".dockerenv", "dev/", "etc/", "proc/", "sys/")
    assert {name for name in held if not name.startswith(made_by_engine)} == copied
    assert copied == {"a", "data/keep"}
