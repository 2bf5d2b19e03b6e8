"""What only a folder has: other processes, full disks, other people's files."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from parts.check_image import check_image
from parts.images import make_image, small_image, small_index

from kfslim.errors import BadImage, DigestMismatch, DiskError, KfslimError, NotFound
from kfslim.oci import open_reader, open_store
from kfslim.oci.image import OCI_INDEX, Index, Platform
from kfslim.oci.layout import LayoutStore

TESTS = Path(__file__).parents[1]


def layout(folder: Path) -> LayoutStore:
    store = open_store(f"oci:{folder}")
    assert isinstance(store, LayoutStore)
    return store


def blobs(folder: Path) -> set[str]:
    return {path.name for path in (folder / "blobs" / "sha256").iterdir()}


def start_python(script: str, *arguments: str) -> subprocess.Popen[bytes]:
    source = f"import sys; sys.path.insert(0, {str(TESTS)!r})\n{textwrap.dedent(script)}"
    return subprocess.Popen([sys.executable, "-c", source, *arguments], stderr=subprocess.DEVNULL)


def test_processes_do_not_lose_each_others_entries(tmp_path: Path) -> None:
    script = """
        from kfslim.oci import open_store
        from parts.images import small_image
        store = open_store("oci:" + sys.argv[1])
        for n in range(10):
            store.write(small_image(f"{sys.argv[2]}-{n}"), f"{sys.argv[2]}-{n}")
    """
    running = [start_python(script, str(tmp_path / "x"), str(k)) for k in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    store = layout(tmp_path / "x")
    assert len(store.tags()) == 30
    for tag in store.tags():
        check_image(store, store.read(tag))


def test_deleting_and_writing_side_by_side_leaves_whole_images(tmp_path: Path) -> None:
    script = """
        from kfslim.errors import NotFound
        from kfslim.oci import open_store
        from parts.images import small_image
        for n in range(25):
            store, tag = open_store("oci:" + sys.argv[1]), sys.argv[2]
            store.write(small_image(f"{n % 2}"), tag)
            if tag != "kept" or n < 24:
                store.delete(tag)
    """
    running = [start_python(script, str(tmp_path / "x"), tag) for tag in ("gone", "kept")]
    assert [process.wait(60) for process in running] == [0, 0]
    store = layout(tmp_path / "x")
    assert store.tags() == ["kept"]
    check_image(store, store.read("kept"))


def test_a_killed_writer_leaves_the_old_image_and_the_next_run_works(tmp_path: Path) -> None:
    folder = tmp_path / "x"
    layout(folder).write(small_image("old"), "t")
    script = """
        import threading
        from kfslim.oci import open_store
        from kfslim.oci.image import Layer
        from parts.images import small_image
        from dataclasses import replace
        class Slow:
            def open_blob(self, descriptor):
                open(sys.argv[2], "w").close()
                threading.Event().wait(60)
        image = small_image("new")
        last = image.layers[-1]
        stuck = Layer(last.descriptor, last.diff_id, Slow())
        open_store("oci:" + sys.argv[1]).write(replace(image, layers=(image.layers[0], stuck)), "t")
    """
    running = start_python(script, str(folder), str(tmp_path / "started"))
    while not (tmp_path / "started").exists():
        assert running.poll() is None
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert layout(folder).read("t") == small_image("old")
    layout(folder).write(small_image("new"), "t")
    check_image(layout(folder), layout(folder).read("t"))


def test_ctrl_c_ends_soon_and_leaves_nothing_half_done(tmp_path: Path) -> None:
    folder = tmp_path / "x"
    layout(folder).write(small_image("old"), "t")
    script = """
        import io, os, signal, time
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's job may ignore it
        from dataclasses import replace
        from kfslim.oci import open_store
        from kfslim.oci.digest import VerifyingReader
        from kfslim.oci.image import Layer
        from parts.images import make_image
        class Slow(io.BytesIO):
            def read(self, amount=-1):
                open(sys.argv[2], "w").close()
                time.sleep(0.05)
                return super().read(min(amount, 1000))
        class Source:
            def __init__(self, layer):
                self.data = layer.open().read()
            def open_blob(self, d):
                return VerifyingReader(Slow(self.data), d.digest, d.size)
        image = make_image(*({f"f{n}": os.urandom(1_000_000)} for n in range(8)))
        slow = (Layer(x.descriptor, x.diff_id, Source(x)) for x in image.layers)
        open_store("oci:" + sys.argv[1]).write(replace(image, layers=tuple(slow)), "t")
    """
    running = start_python(script, str(folder), str(tmp_path / "started"))
    while not (tmp_path / "started").exists():
        assert running.poll() is None
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    assert running.wait(5) != 0
    assert layout(folder).read("t") == small_image("old")
    assert not [p for p in folder.rglob(".*") if p.is_file()]


def test_a_full_disk_is_said_in_words(tmp_path: Path) -> None:
    """A limit on file sizes gives the same kind of error as a full disk, and needs no root."""
    old = small_image("old")
    store = layout(tmp_path / "x")
    store.write(old, "t")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(DiskError, match="writing"):
            store.write(make_image({"big": os.urandom(2_000_000)}), "t")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert store.read("t") == old
    assert not [p for p in (tmp_path / "x").rglob(".*") if p.is_file()]


def test_the_folder_is_what_the_specification_says(tmp_path: Path) -> None:
    layout(tmp_path / "x").write(small_image(), "t")
    assert json.loads((tmp_path / "x" / "oci-layout").read_text()) == {
        "imageLayoutVersion": "1.0.0"
    }
    index = json.loads((tmp_path / "x" / "index.json").read_text())
    assert index["schemaVersion"] == 2
    (entry,) = index["manifests"]
    assert entry["annotations"] == {"org.opencontainers.image.ref.name": "t"}
    assert entry["platform"] == {"os": "linux", "architecture": "amd64"}


def test_a_second_write_touches_nothing(tmp_path: Path) -> None:
    layout(tmp_path / "x").write(small_image(), "t")

    def state() -> dict[str, int]:
        return {str(p): p.lstat().st_mtime_ns for p in (tmp_path / "x").rglob("*")}

    before = state()
    layout(tmp_path / "x").write(small_image(), "t")
    assert state() == before


def test_a_blob_that_went_missing_is_written_again(tmp_path: Path) -> None:
    image = small_image()
    layout(tmp_path / "x").write(image, "t")
    lost = image.layers[1].descriptor
    (tmp_path / "x" / "blobs" / "sha256" / lost.digest[7:]).unlink()
    written = layout(tmp_path / "x").write(image, "t")
    assert written.pushed_bytes == lost.size
    check_image(layout(tmp_path / "x"), layout(tmp_path / "x").read("t"))


def test_delete_takes_only_what_nobody_else_uses(tmp_path: Path) -> None:
    store = layout(tmp_path / "x")
    store.write(small_image("a"), "a")
    store.write(small_index("b"), "b")
    ahead = make_image({"ahead": b"x"}).layers[0]
    store.send_blob(ahead)
    before = blobs(tmp_path / "x")
    store.delete("a")
    a = small_image("a")
    gone = {a.digest, a.config_descriptor.digest, a.layers[1].descriptor.digest}
    assert before - blobs(tmp_path / "x") == {digest[7:] for digest in gone}
    check_image(store, store.read_index("b"))
    store.delete("b")
    assert blobs(tmp_path / "x") == {ahead.descriptor.digest[7:]}


def test_two_names_of_one_image(tmp_path: Path) -> None:
    store = layout(tmp_path / "x")
    store.write(small_image(), "one")
    assert store.write(small_image(), "two").pushed_bytes == 0
    store.delete("one")
    check_image(store, open_reader(f"oci:{tmp_path}/x").read())


def test_an_image_without_a_name(tmp_path: Path) -> None:
    image = small_image()
    layout(tmp_path / "x").write(image)
    assert layout(tmp_path / "x").tags() == []
    assert layout(tmp_path / "x").read() == image
    assert layout(tmp_path / "x").read(image.digest) == image
    layout(tmp_path / "x").write(image, "named")
    assert len(json.loads((tmp_path / "x" / "index.json").read_text())["manifests"]) == 1


def test_which_image_is_meant_must_be_clear(tmp_path: Path) -> None:
    store = layout(tmp_path / "x")
    store.write(small_image("a"), "a")
    store.write(small_image("b"), "b")
    with pytest.raises(NotFound, match="name one") as caught:
        store.read()
    assert "a, b" in caught.value.hint
    store.write(small_image("c"), "latest")
    assert store.read() == small_image("c")


def test_entries_of_others_stay_as_they_are(tmp_path: Path) -> None:
    store = layout(tmp_path / "x")
    store.write(small_image(), "t")
    path = tmp_path / "x" / "index.json"
    index = json.loads(path.read_text())
    foreign = {**index["manifests"][0], "artifactType": "application/x", "data": "e30="}
    foreign["annotations"] = {"org.opencontainers.image.ref.name": "theirs", "x": "y"}
    path.write_text(json.dumps({**index, "manifests": [foreign], "annotations": {"k": "v"}}))
    store.write(small_image("new"), "t")
    after = json.loads(path.read_text())
    assert after["manifests"][0] == foreign
    assert after["annotations"] == {"k": "v"}


def test_an_index_in_an_index_is_found(tmp_path: Path) -> None:
    """As buildx and nerdctl write layouts: index.json names one index that names the images."""
    inner = small_index("nested")
    store = layout(tmp_path / "x")
    store.write(inner, "inner")
    outer = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [inner.descriptor.to_json()],
    }
    data = json.dumps(outer).encode()
    index = Index.parse(data, OCI_INDEX)
    (tmp_path / "x" / "blobs" / "sha256" / index.digest[7:]).write_bytes(data)
    path = tmp_path / "x" / "index.json"
    path.write_text(json.dumps({"schemaVersion": 2, "manifests": [index.descriptor.to_json()]}))
    arm = layout(tmp_path / "x").read(platform=Platform.parse("linux/arm64"))
    assert arm.platform.architecture == "arm64"
    assert layout(tmp_path / "x").read().platform.architecture == "amd64"


def test_changed_bytes_are_noticed(tmp_path: Path) -> None:
    image = small_image()
    layout(tmp_path / "x").write(image, "t")
    layer = image.layers[0].descriptor
    (tmp_path / "x" / "blobs" / "sha256" / layer.digest[7:]).write_bytes(b"\0" * layer.size)
    found = layout(tmp_path / "x").read("t")
    with pytest.raises(DigestMismatch), found.layers[0].open() as stream:
        stream.read()


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"manifests": [1]}', b"\xff"])
def test_a_broken_index_is_said_in_words(tmp_path: Path, content: bytes) -> None:
    layout(tmp_path / "x").write(small_image(), "t")
    (tmp_path / "x" / "index.json").write_bytes(content)
    with pytest.raises(BadImage, match="index"):
        layout(tmp_path / "x").read("t")
    with pytest.raises(BadImage):
        layout(tmp_path / "x").write(small_image("new"), "t")


@pytest.mark.parametrize("place", ["file", "nothing", "empty"])
def test_what_is_no_layout(tmp_path: Path, place: str) -> None:
    if place == "file":
        (tmp_path / "file").write_text("x")
    if place == "empty":
        (tmp_path / "empty").mkdir()
    with pytest.raises(KfslimError) as caught:
        layout(tmp_path / place).read("t")
    assert place in caught.value.message


def test_a_digest_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    layout(tmp_path / "x").write(small_image(), "t")
    path = tmp_path / "x" / "index.json"
    path.write_text(path.read_text().replace("sha256:", "sha256:../../../../"))
    with pytest.raises(BadImage, match="not a sha256 digest"):
        layout(tmp_path / "x").read("t")


def test_umoci_unpacks(tmp_path: Path) -> None:
    from parts.need import program

    umoci = program("umoci")
    layout(tmp_path / "x").write(small_image("unpacked"), "t")
    command = [umoci, "unpack", "--rootless", "--image", f"{tmp_path}/x:t", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "rootfs" / "srv" / "unpacked.txt").read_text() == "unpacked"
    shutil.rmtree(tmp_path / "out")
