"""What is sent, held to what the real docker client sends: name by name, and byte by byte."""

from __future__ import annotations

import io
import os
import re
import socket
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.utils.build import exclude_paths
from hypothesis import example, given, settings
from parts.context_trees import IGNORES, TREES, known_by, make
from parts.docker_client import Client, docker_client, docker_clients
from parts.need import program

from kfslim.context.folder import open_folder
from kfslim.context.stream import END, Stream
from kfslim.context.walk import walk
from kfslim.errors import BadConfig
from kfslim.flow.contexts import measure_context


@pytest.fixture(scope="module", params=docker_clients() or ["docker"])
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    binary = program(request.param, "docker.io")
    with tempfile.TemporaryDirectory() as folder, docker_client(binary, Path(folder)) as it:
        yield it


def ours(root: Path, dockerfile: Path | None = None) -> tuple[list[str], int]:
    context = open_folder(root, dockerfile, "classic")
    stream, entries = Stream(), list(walk(root, context.ignore, "classic"))
    size = END + sum(stream.add(entry)[0] for entry in entries)
    return [entry.path for entry in entries], size


def names_in(stream: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(stream)) as tar:
        return [member.name.rstrip("/") for member in tar]


@settings(max_examples=40)
@given(paths=TREES, lines=IGNORES)
@example(paths=["a/b/ab", "a/a", "b"], lines=["a", "!a/b/ab"])
@example(paths=["a/a.py", "b"], lines=["*", "!**/*.py"])
@example(paths=["a/data/a", "b"], lines=["Dockerfile", ".dockerignore", "a/**", "!a/*"])
def test_the_same_files_and_bytes_are_sent(client, paths, lines):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make(root, paths)
        (root / ".dockerignore").write_bytes("\n".join(known_by(client.major, lines)).encode())
        sent, said = client.send(root)
        assert sent, said
        names, size = ours(root)
        assert names_in(sent) == names
        assert len(sent) == size


@pytest.mark.parametrize("line", ["[", "a/[", "b\\", "x/[a-]", "[]a]", "!", "!/", "[z-a]"])
def test_a_malformed_pattern_is_refused_by_both(client, tmp_path, line):
    make(tmp_path, ["a"])
    (tmp_path / ".dockerignore").write_text(line)
    sent, said = client.send(tmp_path)
    assert not sent, said
    with pytest.raises(BadConfig, match="pattern"):
        ours(tmp_path)


@settings(max_examples=40)
@given(paths=TREES, lines=IGNORES)
def test_docker_py_sends_the_same_files(paths, lines):
    """It ignores case, and knows neither escapes nor classes nor ``..`` as Docker does."""
    paths = [path for path in paths if path.islower()]
    known = [line for line in known_by(0, lines) if not re.search(r"[\\\[]|\.\.", line)]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make(root, paths)
        (root / ".dockerignore").write_bytes("\n".join(known).encode())
        patterns = [line.strip() for line in known if line.strip() and not line.startswith("#")]
        assert exclude_paths(folder, patterns) == set(ours(root)[0])


def test_all_that_a_folder_can_hold(client, tmp_path):
    root = tmp_path / "context"
    make(root, ["run.sh", "src/a.py", "p" * 90 + "/" + "q" * 90, "r" * 200, "é.txt"])
    (root / "run.sh").chmod(0o755)
    os.link(root / "run.sh", root / "same.sh")
    os.link(root / ("r" * 200), root / "z")
    os.mkfifo(root / "pipe")
    (root / "loop").symlink_to(".")
    (root / "far").symlink_to("/" + "x" * 120)
    (root / os.fsdecode(b"\xff\n")).write_bytes(b"1")
    os.utime(root / "src/a.py", (-5, -5))
    with (root / "sparse").open("wb") as file:
        file.truncate(5000)
    with socket.socket(socket.AF_UNIX) as left_out:
        left_out.bind(str(root / "sock"))
        sent, said = client.send(root)
        names, size = ours(root)
    assert names_in(sent) == [name for name in names if name != "sock"]
    assert len(sent) == size
    told = re.search(r"daemon +([\d.]+)(kB|MB)", said)
    assert told
    measured = measure_context(root, dialect="classic").sent
    assert measured.stream_bytes == size
    assert f"{size / 1000:.4g}" == told[1]
    assert (measured.others, measured.symlinks) == (1, 3)


@pytest.mark.parametrize(
    ("paths", "lines"),
    [
        (["a/b/build/keep", "a/b/build/other"], ["**/build", "!a/b/build/keep"]),
        (["a/b"], ["a/b", "!a"]),
        (["a.py"], ["**.py"]),
        (["a+b"], ["a+b"]),
        (["a"], ["^a"]),
    ],
)
def test_what_old_clients_read_otherwise(client, tmp_path, paths, lines):
    make(tmp_path, paths)
    (tmp_path / ".dockerignore").write_text("\n".join(lines))
    sent, _ = client.send(tmp_path)
    assert (names_in(sent) == ours(tmp_path)[0]) is (client.major >= 23)
