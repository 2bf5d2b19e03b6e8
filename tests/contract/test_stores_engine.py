"""What only an engine and its archives have."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from parts.check_image import check_image
from parts.images import make_image, make_tar, small_image, small_index
from parts.shell import shell_image

from kfslim.errors import BadImage, BadReference, DigestMismatch, NotFound, StoreError
from kfslim.oci import open_reader, open_store
from kfslim.oci.image import Image

NAME = "kfslim-test/engine"


@pytest.fixture
def name(engine: str, request: pytest.FixtureRequest) -> Iterator[str]:
    import docker

    mine = f"{NAME}-{os.getpid()}-{request.node.name.split('[')[0].replace('_', '-').lower()}"
    yield mine
    client = docker.from_env()
    for image in client.images.list():
        for tag in image.tags:
            if tag.startswith(mine):
                client.images.remove(tag)
    client.close()


def saved_by_engine(name: str, path: Path) -> None:
    import docker

    client = docker.from_env()
    with path.open("wb") as out:
        out.writelines(client.images.get(name).save(named=True))
    client.close()


def test_a_saved_archive_reads_like_the_engine(name: str, tmp_path: Path) -> None:
    image = make_image({"a": b"1"}, {"b/c": b"2"}, {"a": b"1"})  # the first layer comes twice
    open_store(f"docker-daemon:{name}").write(image, "t")
    saved_by_engine(f"{name}:t", tmp_path / "saved.tar")
    archive = open_reader(f"docker-archive:{tmp_path}/saved.tar")
    found = archive.read()
    assert found == open_reader(f"docker-daemon:{name}:t").read()
    assert found.config_bytes == image.config_bytes
    check_image(None, found)
    named = open_reader(f"docker-archive:{tmp_path}/saved.tar:{name}:t").read()
    assert named == found
    assert archive.resolve() == found.descriptor
    assert archive.resolve(image.config_descriptor.digest) == found.descriptor
    assert archive.resolve("sha256:" + "0" * 64) is None
    with pytest.raises(NotFound, match="nowhere") as caught:
        archive.read("nowhere:t")
    assert f"{name}:t" in caught.value.hint
    archive.close()


def test_what_was_imported_has_a_base(name: str, tmp_path: Path) -> None:
    """``docker import`` makes a config that kfslim did not write."""
    import docker

    client = docker.from_env()
    path = tmp_path / "root.tar"
    path.write_bytes(make_tar({"etc/os-release": b"ID=test\n"}))
    client.api.import_image_from_file(str(path), repository=name, tag="t")
    client.close()
    store = open_store(f"docker-daemon:{name}:t")
    image = store.read()
    check_image(None, image)
    target = open_store(f"oci:{tmp_path}/out")
    target.write(image.with_config(User="65532"), "t")
    check_image(target, target.read("t"))
    store.close()


def test_docker_runs_what_we_load(name: str) -> None:
    import docker

    open_store(f"docker-daemon:{name}").write(shell_image(), "t")
    client = docker.from_env()
    said = client.containers.run(f"{name}:t", ["-c", "echo it runs"], remove=True,
                                 entrypoint=["/bin/sh"], network_mode="none")  # fmt: skip
    client.close()
    assert said == b"it runs\n"


def test_no_engine_is_said_in_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    store = open_store("docker-daemon:x/y:t")
    for call in (store.resolve, store.read, store.tags, lambda: store.write(small_image(), "t")):
        with pytest.raises(StoreError, match="does not answer") as caught:
            call()
        assert "DOCKER_HOST" in caught.value.hint


def test_an_image_that_a_container_uses(name: str) -> None:
    import docker

    open_store(f"docker-daemon:{name}").write(small_image(Cmd=["/x"]), "t")
    client = docker.from_env()
    container = client.containers.create(f"{name}:t")
    try:
        with pytest.raises(StoreError, match="container"):
            open_store(f"docker-daemon:{name}").delete("t")
    finally:
        container.remove()
        client.close()


# archives that need no engine


def packed(members: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path, data in members.items():
            info = tarfile.TarInfo(path)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for path, target in (links or {}).items():
            info = tarfile.TarInfo(path)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return out.getvalue()


def old_archive(image: Image, names: list[str], **changes: bytes) -> bytes:
    """Pack an image of plain layers the way Docker before 25 saves it."""
    config = image.config_descriptor.digest[7:] + ".json"
    paths = [f"l{n}/layer.tar" for n, _ in enumerate(image.layers)]
    entry = {"Config": config, "RepoTags": names, "Layers": paths}
    members = {config: image.config_bytes}
    for path, layer in zip(paths, image.layers, strict=True):
        with layer.open() as stream:
            members[path] = stream.read()
    members["manifest.json"] = json.dumps([entry]).encode()
    return packed({**members, **changes})


def reader(tmp_path: Path, data: bytes, name: str = ""):
    (tmp_path / "a.tar").write_bytes(data)
    return open_reader(f"docker-archive:{tmp_path}/a.tar{name}")


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_an_old_archive(tmp_path: Path, pack) -> None:
    image = small_image(codec="plain")
    found = reader(tmp_path, pack(old_archive(image, ["x:t"]))).read()
    assert found.config_bytes == image.config_bytes
    assert [x.diff_id for x in found.layers] == [x.diff_id for x in image.layers]
    check_image(None, found)


def test_compressed_layers_in_an_old_archive(tmp_path: Path) -> None:
    image = small_image(codec="gzip")
    found = reader(tmp_path, old_archive(image, ["x:t"])).read()
    assert found.layers == image.layers
    check_image(None, found)


def test_layers_shared_by_links(tmp_path: Path) -> None:
    image = make_image({"a": b"1"}, codec="plain")
    with image.layers[0].open() as stream:
        layer = stream.read()
    entry = {"Config": "c.json", "RepoTags": None, "Layers": ["two/layer.tar"]}
    members = {
        "c.json": image.config_bytes,
        "one/layer.tar": layer,
        "manifest.json": json.dumps([entry]).encode(),
    }
    check_image(
        None, reader(tmp_path, packed(members, {"two/layer.tar": "../one/layer.tar"})).read()
    )


def test_a_new_archive_keeps_its_manifests(tmp_path: Path) -> None:
    """Docker 25 and later save an OCI layout, named by containerd's annotation."""
    index = small_index("saved")
    store = open_store(f"oci:{tmp_path}/layout")
    store.write(index, "latest")
    folder = tmp_path / "layout"
    text = json.loads((folder / "index.json").read_text())
    text["manifests"][0]["annotations"]["io.containerd.image.name"] = "docker.io/library/x:latest"
    (folder / "index.json").write_text(json.dumps(text))
    members = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    archive = reader(tmp_path, packed({**members, "manifest.json": b"[]"}), ":x")
    found = archive.read_index()
    assert found.digest == index.digest
    check_image(archive, found)
    assert archive.read().platform.architecture == "amd64"


def test_skopeo_archives(skopeo: str, tmp_path: Path) -> None:
    image = small_image("from-skopeo")
    open_store(f"oci:{tmp_path}/x").write(image, "t")
    target = f"docker-archive:{tmp_path}/s.tar:some/name:t"
    subprocess.run([skopeo, "copy", f"oci:{tmp_path}/x:t", target], check=True, capture_output=True)
    found = open_reader(target).read()
    assert [x.diff_id for x in found.layers] == [x.diff_id for x in image.layers]
    check_image(None, found)


NO_ARCHIVES = {
    "empty": b"",
    "no tar": b"not a tar" * 200,
    "another tar": packed({"other": b""}),
    "no list": packed({"manifest.json": b"{}"}),
    "no json": packed({"manifest.json": b"{"}),
    "no config": packed({"manifest.json": b'[{"Config": "absent", "Layers": []}]'}),
    "no layer": packed({"manifest.json": b'[{"Config": "c", "Layers": ["x"]}]', "c": b"{}"}),
    "cut gzip": gzip.compress(packed({"other": b"x" * 9999}), mtime=0)[:-20],
}


@pytest.mark.parametrize("data", NO_ARCHIVES.values(), ids=NO_ARCHIVES)
def test_what_is_no_archive(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(BadImage):
        reader(tmp_path, data).read()


def test_a_config_that_is_not_its_name(tmp_path: Path) -> None:
    image = small_image(codec="plain")
    config = image.config_descriptor.digest[7:] + ".json"
    changed = image.config_bytes.replace(b"linux", b"other")
    with pytest.raises(DigestMismatch):
        reader(tmp_path, old_archive(image, ["x:t"], **{config: changed})).read()


def test_a_changed_layer(tmp_path: Path) -> None:
    image = make_image({"a": b"1"}, codec="plain")
    data = old_archive(image, ["x:t"], **{"l0/layer.tar": make_tar({"a": b"2"})})
    found = reader(tmp_path, data).read()
    with pytest.raises(DigestMismatch), found.layers[0].open() as stream:
        stream.read()


def test_archives_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(BadReference, match="cannot be written"):
        open_store(f"docker-archive:{tmp_path}/a.tar")
    with pytest.raises(NotFound, match="no such file"):
        open_reader(f"docker-archive:{tmp_path}/a.tar").read()
