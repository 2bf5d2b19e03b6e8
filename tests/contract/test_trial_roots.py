"""Layers as folders: what a trial sees is what the image holds, and each is written once."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from parts.images import make_image, make_layer

from kfslim.build.built import KEY_ANNOTATION
from kfslim.cache import Cache
from kfslim.errors import BadImage, DigestMismatch
from kfslim.oci.digest import digest_of
from kfslim.oci.image import OCI_LAYER_GZIP, BytesSource, Descriptor, Image, Layer
from kfslim.trial.roots import folders_of

Member = tuple[str, str]  # path, and what it is: "dir", "-> link", "= hardlink", or content


def layer_of(*members: Member) -> Layer:
    """Pack a layer with whatever members."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path, what in members:
            info = tarfile.TarInfo(path)
            data = b""
            if what == "dir":
                info.type, info.mode = tarfile.DIRTYPE, 0o700
            elif what[:3] in ("-> ", "=> "):
                info.type = tarfile.SYMTYPE if what[0] == "-" else tarfile.LNKTYPE
                info.linkname = what[3:]
            else:
                data, info.mode = what.encode(), 0o4755
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    tar = out.getvalue()
    blob = gzip.compress(tar, 1, mtime=0)
    descriptor = Descriptor(OCI_LAYER_GZIP, digest_of(blob), len(blob))
    return Layer(descriptor, digest_of(tar), BytesSource(blob))


def own(layer: Layer) -> Layer:
    """Say of a layer that kfslim made it."""
    annotations = {KEY_ANNOTATION: "sha256:of-its-recipe"}
    return replace(layer, descriptor=replace(layer.descriptor, annotations=annotations))


def image_of(*layers: Layer) -> Image:
    return make_image().with_layers(layers, [{"created_by": "x"} for _ in layers])


BASE: Sequence[Layer] = (
    layer_of(
        ("usr", "dir"), ("usr/lib", "dir"), ("usr/lib/a", "a"), ("usr/lib/b", "b"),
        ("lib", "-> usr/lib"), ("etc/old/x", "x"), ("etc/old/y", "y"), ("gone", "gone"),
        ("tmp", "dir"), ("var/empty/deep", "dir"), ("data", "dir"), ("data/f", "f"),
    ),
    layer_of(
        ("lib/c", "c"), ("usr/lib/.wh.a", ""), ("etc/old/.wh..wh..opq", ""), ("etc/old/z", "z"),
        (".wh.gone", ""), ("two", "=> usr/lib/b"), ("out", "-> /etc/shadow"), ("data", "-> tmp"),
    ),
)  # fmt: skip
SEEN = {
    "usr/lib/b": "b", "usr/lib/c": "c", "lib": "-> usr/lib", "etc/old/z": "z", "two": "b",
    "out": "-> /etc/shadow", "data": "-> tmp", "tmp": "dir", "var/empty/deep": "dir",
}  # fmt: skip


def seen(folder: Path) -> dict[str, str]:
    """Return links, files and empty folders."""
    found = {}
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent, name)
            key = str(path.relative_to(folder))
            if path.is_symlink():
                found[key] = f"-> {path.readlink()}"
            elif path.is_file():
                found[key] = path.read_text()
            elif not any(path.iterdir()):
                found[key] = "dir"
    return found


@pytest.fixture
def cache(tmp_path) -> Cache:
    return Cache(tmp_path / "cache")


def extracted(cache: Cache, *layers: Layer) -> list[Path]:
    return [cache.root_of(name) for name in folders_of(cache, image_of(*layers), os.geteuid())]


def left(cache: Cache) -> list[str]:
    return [path.name for place in ("roots", "scratch") for path in cache.root.glob(f"{place}/*")]


def test_a_base_is_merged_into_what_a_container_sees(cache):
    (folder,) = extracted(cache, *BASE)
    assert seen(folder) == SEEN
    assert (folder / "usr/lib/c").stat().st_mode & 0o7777 == 0o755


def test_own_layers_are_folders_that_images_share(cache):
    one = own(layer_of(("opt", "dir"), ("opt/one", "1"), ("opt/link", "-> one")))
    two, three = (own(make_layer({f"opt/{n}.py": n.encode()})) for n in ("two", "three"))
    first = extracted(cache, *BASE, one, two)
    assert [seen(folder) for folder in first[1:]] == [
        {"opt/one": "1", "opt/link": "-> one"},
        {"opt/two.py": "two"},
    ]
    before = [folder.stat().st_ino for folder in first]
    second = extracted(cache, *BASE, one, three)
    assert second[:2] == first[:2]
    assert second[2] != first[2]
    assert [folder.stat().st_ino for folder in first] == before
    assert len(left(cache)) == 4


def test_what_stands_on_an_own_layer_is_merged_with_it(cache):
    (folder,) = extracted(cache, own(make_layer({"opt/x": b"x"})), layer_of(("opt/.wh.x", "")))
    assert seen(folder) == {"opt": "dir"}


def test_a_layer_that_is_there_twice_counts_where_it_lies_last(cache):
    one, two = own(make_layer({"f": b"1"})), own(make_layer({"f": b"2"}))
    folders = extracted(cache, one, two, one)
    assert [seen(folder)["f"] for folder in folders] == ["2", "1"]


def test_more_layers_than_an_overlay_takes_are_merged(cache):
    layers = [own(make_layer({f"f{number}": b"x"})) for number in range(120)]
    (folder,) = extracted(cache, *layers)
    assert len(seen(folder)) == 120


ODD = {
    "whiteout": [("opt/.wh.x", "")],
    "hardlink": [("a", "a"), ("b", "=> a")],
    "twice": [("a", "a"), ("a", "b")],
    "through a link": [("a", "-> /tmp"), ("a/b", "b")],
    "over a link": [("a", "-> /tmp"), ("a", "dir")],
    "up": [("../a", "a")],
    "absolute": [("/etc/a", "a")],
}


@pytest.mark.parametrize("members", ODD.values(), ids=ODD)
def test_what_says_that_it_is_ours_and_cannot_be(cache, tmp_path, members):
    with pytest.raises(BadImage):
        extracted(cache, own(layer_of(*members)))
    assert not left(cache)


def test_a_layer_that_is_not_its_digest(cache):
    good, other = make_layer({"a": b"1"}), make_layer({"a": b"2"})
    with pytest.raises(DigestMismatch):
        extracted(cache, own(replace(good, source=other.source)))
    lied = own(replace(good, diff_id=other.diff_id))
    with pytest.raises((BadImage, DigestMismatch)):
        extracted(cache, lied)
    assert not left(cache)


def test_several_at_once_on_one_cache(cache):
    layers = (*BASE, *(own(make_layer({f"opt/{n}": bytes(n)})) for n in range(9)))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: extracted(cache, *layers), range(4)))
    assert all(folders == found[0] for folders in found)
    assert len(left(cache)) == 10


def test_cleaning_the_cache_removes_them(cache):
    (folder,) = extracted(cache, layer_of(("a", "dir"), ("a/b", "b")))
    (folder / "a/b").chmod(0o400)
    assert cache.clean() > 0
    assert not folder.exists()
