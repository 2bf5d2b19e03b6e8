"""What every store promises, on a real registry, a layout folder and a real Docker Engine."""

from __future__ import annotations

import os
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from parts.check_image import check_image
from parts.images import make_image, make_layer, small_image, small_index

from kfslim.errors import BadImage, DigestMismatch, KfslimError, NotFound
from kfslim.oci import open_reader, open_store, parse_reference
from kfslim.oci.image import BytesSource, Image, Index, Layer, Platform
from kfslim.oci.select import with_images
from kfslim.oci.store import Store


@dataclass
class Medium:
    """A place for stores: ``open`` opens a repository, the same one for the same name."""

    kind: str
    reference: Callable[[str], str]

    def open(self, name: str = "r") -> Store:
        return open_store(self.reference(name))

    @property
    def keeps_manifests(self) -> bool:
        return self.kind != "engine"


@pytest.fixture(params=["registry", "layout", "engine"])
def medium(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Medium]:
    mark = uuid.uuid4().hex[:10]
    if request.param == "registry":
        host = request.getfixturevalue("registry").host
        yield Medium("registry", lambda name: f"docker://{host}/{mark}/{name}")
    elif request.param == "layout":
        yield Medium("layout", lambda name: f"oci:{tmp_path}/{name}")
    else:
        request.getfixturevalue("engine")
        yield Medium("engine", lambda name: f"docker-daemon:kfslim-test/{mark}-{name}")
        _clean_engine(f"kfslim-test/{mark}-")


def _clean_engine(prefix: str) -> None:
    import docker

    client = docker.from_env()
    for image in client.images.list():
        for tag in image.tags:
            if tag.startswith(prefix):
                client.images.remove(tag)
    client.close()


def plain(image: Image) -> list[str]:
    return [layer.diff_id for layer in image.layers]


def test_what_was_written_can_be_read(medium: Medium) -> None:
    store, image = medium.open(), small_image(Env=["A=1"], User="65532")
    written = store.write(image, "one")
    assert written.digest == image.digest
    assert written.pushed_bytes > 0
    found = medium.open().read("one")
    assert found.config_bytes == image.config_bytes
    assert plain(found) == plain(image)
    if medium.keeps_manifests:
        assert found.manifest_bytes == image.manifest_bytes
        assert found.media_type == image.media_type
        check_image(medium.open(), found)
    else:
        check_image(None, found)


@pytest.mark.parametrize("docker", [False, True])
def test_both_kinds_of_manifest(medium: Medium, docker: bool) -> None:
    image = small_image(docker=docker)
    medium.open().write(image, "kind")
    found = medium.open().read("kind")
    assert found.config_bytes == image.config_bytes
    if medium.keeps_manifests:
        assert found.is_docker == docker


def test_a_second_write_moves_nothing(medium: Medium) -> None:
    image = small_image()
    medium.open().write(image, "same")
    again = medium.open().write(image, "same")
    assert (again.pushed_bytes, again.mounted_bytes) == (0, 0)
    assert again.present_bytes >= image.content_bytes


def test_only_new_blobs_are_sent(medium: Medium) -> None:
    if medium.kind == "engine":
        pytest.skip("an engine takes whole images")
    store = medium.open()
    store.write(small_image("a"), "a")
    image = small_image("b")
    written = medium.open().write(image, "b")
    shared = image.layers[0].descriptor.size
    assert written.present_bytes == shared
    new = image.layers[1].descriptor.size + len(image.config_bytes)
    assert new <= written.pushed_bytes <= new + 2 * len(image.manifest_bytes)


def test_a_tag_moves(medium: Medium) -> None:
    store = medium.open()
    store.write(small_image("old"), "t")
    store.write(small_image("new"), "t")
    assert plain(medium.open().read("t")) == plain(small_image("new"))
    assert medium.open().tags() == ["t"]


def test_resolve_tells_without_reading(medium: Medium) -> None:
    store, image = medium.open(), small_image()
    assert store.resolve("t") is None
    store.write(image, "t")
    there = store.resolve("t")
    assert there is not None
    if medium.keeps_manifests:
        assert (there.digest, there.size) == (image.digest, len(image.manifest_bytes))
        assert there.media_type == image.media_type
        assert store.resolve(image.digest) == there
        assert store.resolve("sha256:" + "0" * 64) is None
    else:
        assert there.digest == image.config_descriptor.digest
    reference = f"{medium.reference('r')}:t"
    assert open_reader(reference).resolve() == there


def test_reading_by_digest(medium: Medium) -> None:
    image = small_image("by-digest")
    medium.open().write(image, "t")
    name = image.digest if medium.keeps_manifests else image.config_descriptor.digest
    assert plain(medium.open().read(name)) == plain(image)
    read = medium.open().read("t")
    pinned = replace(parse_reference(f"{medium.reference('r')}:t"), digest=read.digest)
    assert open_reader(pinned).read().manifest_bytes == read.manifest_bytes


def test_what_is_absent_is_named(medium: Medium) -> None:
    medium.open().write(small_image(), "there")
    with pytest.raises(NotFound, match="elsewhere"):
        medium.open().read("elsewhere")
    with pytest.raises(NotFound):
        medium.open().read("sha256:" + "0" * 64)


def test_an_index_by_platform(medium: Medium) -> None:
    index = small_index()
    written = medium.open().write(index, "multi")
    assert written.digest == index.digest
    if not medium.keeps_manifests:
        assert medium.open().read("multi").platform in {i.platform for i in index.images}
        return
    store = medium.open()
    found = store.read_index("multi")
    assert isinstance(found, Index)
    assert found.index_bytes == index.index_bytes
    check_image(store, found)
    for name in ("linux/amd64", "linux/arm64"):
        assert store.read("multi", Platform.parse(name)).platform == Platform.parse(name)
    assert store.read("multi").platform == Platform.parse("linux/amd64")
    with pytest.raises(BadImage, match="linux/s390x"):
        store.read("multi", Platform.parse("linux/s390x"))
    assert medium.open().write(index, "multi").pushed_bytes == 0


def test_an_index_moves_between_stores(medium: Medium, tmp_path: Path) -> None:
    if not medium.keeps_manifests:
        pytest.skip("an engine holds no index")
    index = small_index("moving")
    medium.open().write(index, "multi")
    found = medium.open().read_index("multi")
    assert isinstance(found, Index)
    target = open_store(f"oci:{tmp_path}/moved")
    with pytest.raises(BadImage, match="with its images"):
        target.write(found, "multi")
    target.write(with_images(medium.open(), found), "multi")
    assert target.resolve("multi") == index.descriptor
    check_image(target, target.read_index("multi"))


def test_the_only_platform_is_checked_when_asked_for(medium: Medium) -> None:
    medium.open().write(small_image(platform="linux/arm64"), "arm")
    assert medium.open().read("arm").platform.architecture == "arm64"
    with pytest.raises(BadImage, match="linux/arm64"):
        medium.open().read("arm", Platform.parse("linux/amd64"))


def test_tags_and_delete(medium: Medium) -> None:
    store = medium.open()
    assert store.tags() == []
    for mark in ("b", "a"):
        store.write(small_image(mark), mark)
    assert medium.open().tags() == ["a", "b"]
    medium.open().delete("a")
    assert medium.open().tags() == ["b"]
    assert medium.open().resolve("a") is None
    assert plain(medium.open().read("b")) == plain(small_image("b"))
    with pytest.raises(NotFound):
        medium.open().delete("a")


def test_a_deleted_image_can_be_written_again(medium: Medium) -> None:
    store, image = medium.open(), small_image("back")
    for _ in range(2):
        store.write(image, "t")
        check_image(None, medium.open().read("t"))
        store.delete("t")


def _with_wrong_bytes(image: Image) -> Image:
    """Return the image with a last layer whose source gives other bytes of the same size."""
    layer = image.layers[-1]
    wrong = BytesSource(b"\0" * layer.descriptor.size)
    bad = Layer(layer.descriptor, layer.diff_id, wrong)
    return replace(image, layers=(*image.layers[:-1], bad))


def test_wrong_bytes_are_refused_and_nothing_shows(medium: Medium) -> None:
    store = medium.open()
    store.write(small_image("good"), "t")
    with pytest.raises(KfslimError) as caught:
        store.write(_with_wrong_bytes(small_image("bad")), "t")
    if medium.keeps_manifests:
        assert isinstance(caught.value, DigestMismatch)
    assert plain(medium.open().read("t")) == plain(small_image("good"))
    store.write(small_image("bad"), "t")  # and the run after it
    assert plain(medium.open().read("t")) == plain(small_image("bad"))


def test_one_failing_layer_ends_the_others(medium: Medium) -> None:
    layers = [make_layer({f"f{n}": os.urandom(1 << 20)}) for n in range(6)]
    image = Image.build(
        {"os": "linux", "architecture": "amd64", "history": [{"created_by": "x"}] * 6}, layers
    )
    with pytest.raises(KfslimError):
        medium.open().write(_with_wrong_bytes(image), "t")
    assert medium.open().tags() == []


def test_blobs_sent_ahead_are_not_sent_again(medium: Medium) -> None:
    store, image = medium.open(), small_image("ahead")
    ahead = [store.send_blob(layer) for layer in image.layers]
    assert store.tags() == []
    if medium.kind == "engine":
        return
    assert sum(w.pushed_bytes for w in ahead) == image.content_bytes
    written = store.write(image, "t")
    assert written.present_bytes == image.content_bytes
    assert plain(store.read("t")) == plain(image)


class _Counting:
    """A blob source that counts how often it is opened, and is slow enough to be raced."""

    def __init__(self, layer: Layer) -> None:
        self._layer, self.opened, self._lock = layer, 0, threading.Lock()

    def open_blob(self, descriptor: Any) -> Any:
        with self._lock:
            self.opened += 1
        threading.Event().wait(0.05)
        return self._layer.source.open_blob(descriptor)


def test_threads_send_one_blob_once(medium: Medium) -> None:
    if medium.kind == "engine":
        pytest.skip("an engine takes whole images")
    good = make_layer({"big": os.urandom(200_000)})
    source = _Counting(good)
    layer = Layer(good.descriptor, good.diff_id, source)
    store = medium.open()
    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(lambda _: store.send_blob(layer), range(8)))
    assert source.opened == 1
    assert sum(w.pushed_bytes for w in written) == good.descriptor.size
    assert sum(w.present_bytes for w in written) == 7 * good.descriptor.size


class _Recorder:
    """A progress that adds up what it is told."""

    def __init__(self) -> None:
        self.done, self.total, self._lock = 0, 0, threading.Lock()

    def task(self, title: str, total: int | None = None, unit: str = "bytes") -> Any:
        self.total += total or 0
        return self

    def __enter__(self) -> _Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def advance(self, amount: int) -> None:
        with self._lock:
            self.done += amount

    def grow(self, amount: int) -> None:
        self.total += amount

    def note(self, text: str) -> None:
        pass


def test_progress_reaches_its_total(medium: Medium) -> None:
    progress = _Recorder()
    medium.open().write(small_image("progress"), "t", progress)
    assert progress.done == progress.total > 0


def test_the_other_stores_take_what_one_gives(medium: Medium, tmp_path: Path) -> None:
    medium.open().write(small_image("moving"), "t")
    image = medium.open().read("t")
    target = open_store(f"oci:{tmp_path}/copy")
    target.write(image, "t")
    assert target.read("t").manifest_bytes == image.manifest_bytes
    check_image(target, target.read("t"))


def test_reading_and_writing_side_by_side_sees_whole_images(medium: Medium) -> None:
    old, new = small_image("old"), small_image("new")
    known = {tuple(plain(old)), tuple(plain(new))}
    medium.open().write(old, "t")
    stop = threading.Event()

    def watch() -> int:
        seen = 0
        while not stop.is_set():
            found = medium.open().read("t")
            assert tuple(plain(found)) in known
            for layer in found.layers:
                with layer.open() as stream:
                    stream.read()
            seen += 1
        return seen

    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(watch)
        try:
            for n in range(6):
                medium.open().write((new, old)[n % 2], "t")
        finally:
            stop.set()
        assert watching.result() > 0


@pytest.mark.parametrize("docker", [False, True])
def test_skopeo_accepts_and_copies(
    medium: Medium, skopeo: str, tmp_path: Path, docker: bool
) -> None:
    if docker and medium.kind == "layout":
        pytest.skip("skopeo finds OCI media types only in a layout: Image.as_oci() gives them")
    image = small_image("judged", docker=docker)
    medium.open().write(image, "t")
    source = f"{medium.reference('r')}:t"
    host = ["--src-daemon-host", os.environ["DOCKER_HOST"]] if _own_engine(medium) else []
    command = [skopeo, "copy", "--src-tls-verify=false", *host, source, f"oci:{tmp_path}/judge:x"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    copied = open_reader(f"oci:{tmp_path}/judge:x")
    check_image(copied, copied.read())
    assert plain(copied.read()) == plain(image)
    if medium.keeps_manifests and not docker:
        assert copied.read().manifest_bytes == image.manifest_bytes


def test_a_schema_2_image_as_oci_is_accepted_in_a_layout(skopeo: str, tmp_path: Path) -> None:
    image = small_image("judged", docker=True)
    assert image.as_oci().digest != image.digest
    assert image.as_oci().as_oci() == image.as_oci()
    open_store(f"oci:{tmp_path}/x").write(image.as_oci(), "t")
    check_image(None, image.as_oci())
    assert plain(image.as_oci()) == plain(image)
    done = subprocess.run([skopeo, "inspect", f"oci:{tmp_path}/x:t"], capture_output=True)
    assert done.returncode == 0, done.stderr


def _own_engine(medium: Medium) -> bool:
    return medium.kind == "engine" and bool(os.environ.get("DOCKER_HOST"))


def test_images_that_skopeo_wrote_can_be_read(medium: Medium, skopeo: str, tmp_path: Path) -> None:
    image = make_image({"a": b"1"}, {"b/c": b"2"})
    open_store(f"oci:{tmp_path}/from").write(image, "x")
    target = f"{medium.reference('r')}:copied"
    host = ["--dest-daemon-host", os.environ["DOCKER_HOST"]] if _own_engine(medium) else []
    command = [skopeo, "copy", "--dest-tls-verify=false", *host, f"oci:{tmp_path}/from:x", target]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = open_reader(target).read()
    assert plain(found) == plain(image)
    check_image(None, found)
