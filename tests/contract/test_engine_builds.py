"""Builds by a real engine, in both dialects: what comes out, how they fail, what they leave."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from parts.need import missing, wait_until
from parts.shell import programs_image, shell_image

from kfslim.engine.buildkit import find_client
from kfslim.engine.connection import BuildEngine
from kfslim.engine.model import Build
from kfslim.engine.packing import packed
from kfslim.errors import DiskError, InputError, KfslimError, StoreError, ToolError, Unsupported
from kfslim.oci.image import Platform

BASE = "kfslim-test/base:shell"
FOREIGN = "kfslim-test/base:foreign"
PASSWORD = "open-sesame"
SECRET = f"https://me:{PASSWORD}@index.invalid/simple"
DIALECTS = ("classic", "buildkit")


@pytest.fixture(scope="module")
def base(engine: str) -> Iterator[None]:
    elf = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00\x01\x00\x00\x00" + bytes(44)
    foreign = programs_image({"bin/sh": elf}, platform="linux/arm64")
    with BuildEngine("classic") as there:
        there.load(shell_image("cat", "sleep"), BASE)
        there.load(foreign, FOREIGN)
        yield
        there.drop(BASE)
        there.drop(FOREIGN)


@pytest.fixture(params=DIALECTS)
def there(base: None, request: pytest.FixtureRequest) -> Iterator[BuildEngine]:
    if request.param == "buildkit" and find_client() is None:
        missing("no docker client here can build with BuildKit")
    with BuildEngine(request.param) as engine:
        yield engine


@contextmanager
def built(
    engine: BuildEngine,
    dockerfile: str,
    files: Mapping[str, bytes] | None = None,
    **more: Mapping[str, object],
) -> Iterator[str]:
    content = {"Dockerfile": dockerfile.encode(), **(files or {})}
    platform = more.pop("platform", Platform())
    with (
        packed(content) as archive,
        engine.built(Build("step one", archive, "Dockerfile", platform, **more)) as image,
    ):
        yield image


def holds(engine: BuildEngine) -> tuple[set[str], set[str], set[str]]:
    """All ids of images and containers, and all names."""
    api = engine._client.api
    images = api.images(all=True)
    names = {name for image in images for name in image["RepoTags"] or ()} - {"<none>:<none>"}
    return (
        {image["Id"] for image in images},
        {container["Id"] for container in api.containers(all=True)},
        names,
    )


def test_an_image_comes_out(there: BuildEngine) -> None:
    dockerfile = (
        f"FROM {BASE} AS one\nRUN echo made > /made\nFROM {BASE}\nCOPY --from=one /made /\n"
    )
    with (
        built(there, dockerfile, {"other": b""}, labels={"a.b": "c d"}) as first,
        there.reading(first) as image,
    ):
        assert image.labels["a.b"] == "c d"
        assert image.config_descriptor.digest == first
        assert len(image.layers) == 2
    assert not there._client.api.inspect_image(first)["RepoTags"], "it gets no name by itself"
    with built(there, dockerfile, {"other": b""}, labels={"a.b": "c d"}) as second:
        assert second == first, "the engine finds what it built"
    there.drop(first)


def test_what_fails_after_the_build_takes_the_image_along(there: BuildEngine) -> None:
    before = holds(there)
    with pytest.raises(ZeroDivisionError), built(there, f"FROM {BASE}\nRUN echo 1 > /new\n"):
        raise ZeroDivisionError
    assert holds(there) == before


def test_a_build_that_fails_half_way(there: BuildEngine) -> None:
    dockerfile = f"FROM {BASE}\nRUN echo fine > /fine\nRUN echo the reason && exit 3\n"
    before = holds(there)
    with pytest.raises(ToolError) as caught, built(there, dockerfile):
        pass
    said = caught.value.message
    assert said.startswith("step one: ") and "the reason" in said and "3" in said, said
    assert "RUN echo the reason" in said and "\n" not in said
    assert holds(there) == before


def test_a_dockerfile_that_is_none(there: BuildEngine) -> None:
    before = holds(there)
    with (
        pytest.raises(KfslimError, match=r"step one: .*(?i:unknown instruction)"),
        built(there, f"FROM {BASE}\nGO home\n"),
    ):
        pass
    assert holds(there) == before


def test_a_file_that_is_not_in_the_context(there: BuildEngine) -> None:
    before = holds(there)
    with pytest.raises(ToolError, match="absent"), built(there, f"FROM {BASE}\nCOPY absent /\n"):
        pass
    assert holds(there) == before


def test_an_engine_without_space(there: BuildEngine) -> None:
    before = holds(there)
    with (
        pytest.raises(DiskError, match="no space left") as caught,
        built(there, f"FROM {BASE}\nRUN cat /dev/zero > /dev/full\n"),
    ):
        pass
    assert "docker system" in caught.value.hint
    assert holds(there) == before


def test_a_base_for_another_platform(there: BuildEngine) -> None:
    if Path("/proc/sys/fs/binfmt_misc/qemu-aarch64").exists():
        pytest.skip("this machine emulates the other platform")
    before = holds(there)
    with (
        pytest.raises(Unsupported, match="linux/arm64"),
        built(there, f"FROM {FOREIGN}\nRUN echo 1\n", platform=Platform("linux", "arm64")),
    ):
        pass
    assert holds(there) == before


GIVEN_UP = f"""
import sys
from kfslim.engine.connection import BuildEngine
from kfslim.engine.model import Build
from kfslim.engine.packing import packed
from kfslim.oci.image import Platform
text = b"FROM {BASE}\\nRUN echo given-up > /first\\nRUN sleep 98765\\n"
with BuildEngine(sys.argv[1]) as engine, packed({{"Dockerfile": text}}) as archive:
    with engine.built(Build("step one", archive, "Dockerfile", Platform())):
        pass
"""


def sleeping() -> bool:
    """Tell whether the instruction's own process runs."""
    found = (p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline") if p.exists())
    return any(line.startswith(b"sleep\x0098765") for line in found)


def test_ctrl_c_ends_the_build(there: BuildEngine, tmp_path: Path) -> None:
    before = holds(there)
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([sys.executable, "-c", GIVEN_UP, there.dialect], stderr=log)
    wait_until(sleeping, process, 60, tmp_path / "log")
    process.send_signal(signal.SIGINT)
    process.wait(60)
    assert "KeyboardInterrupt" in (tmp_path / "log").read_text()
    deadline = time.monotonic() + 20
    while sleeping() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not sleeping(), "the engine goes on building"
    assert holds(there) == before


def test_credentials_leave_no_trace(there: BuildEngine) -> None:
    """The classic builder writes build arguments into the history of stages: those must go."""
    if there.dialect == "classic":
        use, more = "ARG URL\nRUN echo ${#URL} > /length", {"arguments": {"URL": SECRET}}
    else:
        use = "RUN --mount=type=secret,id=t read x < /run/secrets/t; echo ${#x} > /length"
        more = {"secrets": {"t": SECRET.encode()}}
    dockerfile = f"FROM {BASE} AS one\n{use}\nFROM {BASE}\nCOPY --from=one /length /\n"
    with built(there, dockerfile, **more) as made:
        api = there._client.api
        for image in api.images(all=True, quiet=True):
            assert PASSWORD not in str(api.history(image)), image
        with there.reading(made) as image, image.layers[-1].open() as layer:
            data = layer.read()
        assert PASSWORD.encode() not in data + image.config_bytes
        assert f"{len(SECRET)}\n".encode() in data
    there.drop(made)


def test_a_url_in_the_log_loses_its_password(there: BuildEngine) -> None:
    line = f"RUN echo {SECRET} && exit 1"
    with (
        pytest.raises(ToolError, match=r"index\.invalid") as caught,
        built(there, f"FROM {BASE}\n{line}\n"),
    ):
        pass
    assert PASSWORD not in caught.value.message


# the context


class Changing(dict[str, Path]):
    """Files one of which is written to after all were listed."""

    def __getitem__(self, name: str) -> Path:
        path = super().__getitem__(name)
        self.change(path)
        return path


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_bytes(b"longer than before"),
        lambda path: path.write_bytes(b""),
        lambda path: os.utime(path, (1, 1)),
        lambda path: path.unlink(),
    ],
    ids=["longer", "shorter", "touched", "gone"],
)
def test_a_context_that_changes(tmp_path: Path, change) -> None:
    (tmp_path / "data").write_bytes(b"as listed")
    files = Changing(data=tmp_path / "data")
    files.change = change
    with pytest.raises(InputError, match="data changed while"), packed(files):
        pass


def test_a_context_file_that_was_never_there(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match="data of the build context is not there"),
        packed({"data": tmp_path / "none"}),
    ):
        pass


def test_the_same_files_give_the_same_archive(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("#!/bin/sh\n")
    (tmp_path / "run").chmod(0o700)
    archives = []
    for seconds in (1, 2):
        os.utime(tmp_path / "run", (seconds, seconds))
        with packed({"b/run": tmp_path / "run", "a": b"1"}) as archive:
            archives.append(archive.read())
    assert archives[0] == archives[1]


# engines that will not do


@contextmanager
def answering(folder: Path, body: str) -> Iterator[str]:
    """An engine that answers every request with ``body``."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket(socket.AF_UNIX))
        server.bind(str(folder / "old.sock"))
        server.listen()

        def serve() -> None:
            head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
            answer = f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield f"unix://{folder}/old.sock"
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("version", ["1.12", "1.30"])
def test_an_engine_that_is_too_old(tmp_path, monkeypatch, version: str) -> None:
    body = f'{{"ApiVersion": "{version}", "Os": "linux", "Arch": "amd64"}}'
    with answering(tmp_path, body) as host:
        monkeypatch.setenv("DOCKER_HOST", host)
        with pytest.raises(StoreError, match="the Docker Engine is too old"):
            BuildEngine("classic")


def test_no_engine(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    with pytest.raises(StoreError, match="does not answer") as caught:
        BuildEngine("auto")
    assert "DOCKER_HOST" in caught.value.hint


def test_clients_that_can_build_with_buildkit(tmp_path: Path) -> None:
    def client(folder: str, version: str, buildx: int) -> str:
        path = tmp_path / folder / "docker"
        path.parent.mkdir()
        script = f'[ "$1" = --version ] && echo "Docker version {version}, build 1" && exit 0\n'
        path.write_text(f"#!/bin/sh\n{script}echo v0.11; exit {buildx}\n")
        path.chmod(0o755)
        return str(path.parent)

    new, plugin = client("new", "28.2.2", 1), client("plugin", "24.0.1", 0)
    old = client("old", "20.10.24+dfsg1", 1)

    def found(*folders: str) -> tuple[str, bool] | None:
        one = find_client(os.pathsep.join(folders))
        return one and (one.program, one.plugin)

    assert found(new) is None
    assert found(new, old) == (f"{old}/docker", False)
    assert found(plugin, old) == (f"{plugin}/docker", True)
    assert found(str(tmp_path)) is None
