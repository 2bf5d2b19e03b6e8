"""What docker clients print while BuildKit builds, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kfslim.engine.buildkit import Client
from kfslim.engine.model import Build
from kfslim.errors import ToolError
from kfslim.oci.image import Platform

STAGES = """\
#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 150B done
#1 DONE 0.0s
#4 [builder 1/2] FROM docker.io/library/base
#4 CACHED
#5 [builder 2/2] RUN pip install
#6 [stage-1 2/3] RUN echo beside
#6 0.101 beside
#5 0.231 Looking in indexes: https://me:open-sesame@index.example/simple
#6 DONE 0.2s
"""
PLUGIN_FAILS = (
    STAGES
    + """\
#5 0.345 the reason
#5 ERROR: process "/bin/sh -c pip install" did not complete successfully: exit code: 3
------
 > [builder 2/2] RUN pip install:
0.345 the reason
------
Dockerfile:3
--------------------
   3 | >>> RUN pip install
--------------------
ERROR: failed to solve: process "/bin/sh -c pip install" did not complete: exit code: 3

View build details: docker-desktop://dashboard/build/default
"""
)
OLD_FAILS = (
    STAGES
    + """\
#5 0.345 the reason
#5 ERROR: executor failed running [/bin/sh -c pip install]: exit code: 3
------
 > [builder 2/2] RUN pip install:
#5 0.345 the reason
------
executor failed running [/bin/sh -c pip install]: exit code: 3
"""
)
UNREADABLE = """\
#1 [internal] load build definition from Dockerfile
#1 DONE 0.0s
ERROR: failed to solve: dockerfile parse error on line 2: unknown instruction: GO

View build details: docker-desktop://dashboard/build/default
"""


class Counted:
    """A progress that counts."""

    total = done = 0

    @contextmanager
    def task(self, title: str, total: int | None = None, unit: str = "") -> Iterator[Counted]:
        assert (title, unit) == ("build step one", "instructions")
        yield self

    def advance(self, amount: int) -> None:
        self.done += amount

    def grow(self, amount: int) -> None:
        self.total += amount

    def note(self, text: str) -> None:
        raise AssertionError(text)


def client(folder: Path, transcript: str, code: int, plugin: bool = True) -> Client:
    """A client that prints ``transcript`` and, if it ends well, names an image."""
    (folder / "transcript").write_text(transcript)
    program = folder / "docker"
    script = f"""\
echo "$@" > {folder}/words
cat {folder}/transcript >&2
for word; do case $word in --iidfile=*) echo sha256:1234 > "${{word#*=}}";; esac; done
exit {code}
"""
    program.write_text(f"#!/bin/sh\n{script}")
    program.chmod(0o755)
    return Client(str(program), plugin)


def build(client: Client, folder: Path, progress: Counted) -> str:
    (folder / "context").write_bytes(b"")
    with (folder / "context").open("rb") as context:
        asked = Build(
            "step one",
            context,
            "Dockerfile",
            Platform(),
            arguments={"TOKEN": "open-sesame"},
            secrets={"pip": b"open-sesame"},
        )
        return client.build(asked, Platform(), "unix:///nowhere", progress)


def test_the_image_and_how_far_it_is(tmp_path: Path) -> None:
    progress = Counted()
    assert (
        build(client(tmp_path, STAGES + "#5 DONE 1.0s\n", 0), tmp_path, progress) == "sha256:1234"
    )
    assert (progress.done, progress.total) == (3, 5)
    words = (tmp_path / "words").read_text()
    assert "--load" in words
    assert "open-sesame" not in words, "other users see a process's arguments"


@pytest.mark.parametrize("transcript", [PLUGIN_FAILS, OLD_FAILS], ids=["plugin", "old"])
def test_the_log_is_of_the_instruction_that_failed(tmp_path: Path, transcript: str) -> None:
    with pytest.raises(ToolError) as caught:
        build(client(tmp_path, transcript, 1), tmp_path, Counted())
    said = caught.value.message
    assert said.startswith("step one: the Docker Engine's build failed at RUN pip install: ")
    assert "exit code: 3" in said
    assert said.count("the reason") >= 1
    assert "beside" not in said
    assert "open-sesame" not in said


def test_a_dockerfile_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"line 2: unknown instruction: GO$"):
        build(client(tmp_path, UNREADABLE, 1), tmp_path, Counted())


def test_a_client_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="cannot be started"):
        build(Client(str(tmp_path / "none"), False), tmp_path, Counted())
