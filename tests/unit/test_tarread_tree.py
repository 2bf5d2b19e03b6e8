"""The union of layers, and files out of it."""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kfslim.errors import BadImage, DiskError
from kfslim.oci.digest import VerifyingReader, digest_of
from kfslim.oci.extract import extract, final_tree, read_files
from kfslim.oci.image import OCI_LAYER_GZIP, BytesSource, Descriptor, Image, Layer, Platform
from kfslim.oci.scan import scan_layers
from kfslim.oci.tarread import Entry
from kfslim.oci.tree import Tree

Member = tuple[str, str, str]  # path, kind, payload or link


def file(path: str, data: str = "x") -> Member:
    return path, "file", data


def link(path: str, target: str) -> Member:
    return path, "symlink", target


def entry(member: Member) -> Entry:
    path, kind, text = member
    size = len(text) if kind == "file" else 0
    return Entry(path, kind, size, 0o644, text if kind != "file" else "")


def tree_of(*layers: list[Member]) -> Tree:
    tree = Tree()
    for members in layers:
        tree.apply([entry(m) for m in members])
    return tree


def shown(tree: Tree) -> dict[str, int]:
    return {path: tree.layers[number] for path, number in tree.files()}


TYPES = {"file": tarfile.REGTYPE, "symlink": tarfile.SYMTYPE, "hardlink": tarfile.LNKTYPE}


def image_of(*layers: list[Member], modes: dict[str, int] | None = None) -> Image:
    made = []
    for members in layers:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            for path, kind, text in members:
                info = tarfile.TarInfo(path)
                info.type = TYPES.get(kind, tarfile.DIRTYPE)
                info.mode = (modes or {}).get(path, 0o644)
                if kind == "file":
                    info.size = len(text)
                elif kind in TYPES:
                    info.linkname = text
                archive.addfile(info, io.BytesIO(text.encode()))
        blob = gzip.compress(out.getvalue(), 1, mtime=0)
        descriptor = Descriptor(OCI_LAYER_GZIP, digest_of(blob), len(blob))
        made.append(Layer(descriptor, digest_of(out.getvalue()), BytesSource(blob)))
    return Image.empty(Platform()).with_layers(made, [{"created_by": "test"} for _ in made])


def test_a_later_file_replaces_an_earlier_one() -> None:
    tree = tree_of([file("a/x", "one")], [file("a/x", "three")])
    assert shown(tree) == {"a/x": 1}
    assert list(tree.names) == [0, 1]
    assert list(tree.sizes) == [3, 5]


def test_whiteouts_hide_only_lower_layers_wherever_they_stand() -> None:
    tree = tree_of(
        [file("a/x"), file("a/y")], [file("a/x"), file("a/.wh.x", ""), file("a/.wh.y", "")]
    )
    assert shown(tree) == {"a/x": 1}


def test_an_opaque_folder_hides_all_that_was_below() -> None:
    tree = tree_of([file("a/b/x"), file("a/y")], [file("a/z"), file("a/.wh..wh..opq", "")])
    assert shown(tree) == {"a/z": 1}
    assert list(tree.names) == [0, 0, 1]


def test_a_whiteout_of_a_folder_hides_what_is_below() -> None:
    assert shown(tree_of([file("a/b/x"), file("c")], [file(".wh.a", "")])) == {"c": 0}


def test_a_file_replaces_a_folder_and_a_folder_a_file() -> None:
    assert shown(tree_of([file("a/b")], [file("a")])) == {"a": 1}
    assert shown(tree_of([file("a")], [("a", "folder", ""), file("a/b")])) == {"a/b": 1}
    assert shown(tree_of([file("a/b")], [("a", "folder", "")])) == {"a/b": 0}


def test_a_parent_that_is_a_symlink_is_followed() -> None:
    tree = tree_of([file("usr/lib/x"), link("lib", "usr/lib")], [file("lib/x"), file("lib/y")])
    assert shown(tree) == {"usr/lib/x": 1, "usr/lib/y": 1}
    assert tree.resolve("lib/x") == "usr/lib/x"
    assert shown(tree_of([file("a/x"), link("l", "/a")], [file("l/.wh.x", "")])) == {}


def test_symlinks_resolve_inside_the_image_only() -> None:
    tree = tree_of(
        [
            file("etc/passwd"),
            link("a", "/etc/../../../etc"),
            link("b/c", "../a/passwd"),
            link("o", "o"),
        ]
    )
    assert tree.resolve("a/passwd") == "etc/passwd"
    assert tree.resolve("b/c") == "etc/passwd"
    assert tree.file("b/c") == 0
    assert tree.resolve("o") is None
    assert tree.resolve("o/x") is None
    assert tree.resolve("nothing/here") is None
    assert tree.resolve("etc/passwd/x") is None


def test_a_path_through_a_circle_of_symlinks_is_refused() -> None:
    with pytest.raises(BadImage, match="circles"):
        tree_of([link("a", "b"), link("b", "a"), file("a/x")])


def test_a_hardlink_shows_the_file_until_its_last_name_goes() -> None:
    layers = [
        [file("a", "12345"), ("b", "hardlink", "a")],
        [file(".wh.a", "")],
        [file(".wh.b", "")],
    ]
    assert list(tree_of(*layers[:1]).names) == [2]
    assert shown(tree_of(*layers[:2])) == {"b": 0}
    assert list(tree_of(*layers).names) == [0]
    assert shown(tree_of([("b", "hardlink", "gone")])) == {}


# --- against a model so naive that it is surely right: a dict of whole paths

NAMES = st.sampled_from(["a", "b", "a/a", "a/b", "b/a", "a/b/a", "a/b/b"])
MEMBERS = st.one_of(
    st.tuples(NAMES, st.just("file"), st.text("x", max_size=4)),
    st.tuples(NAMES, st.just("folder"), st.just("")),
    st.tuples(NAMES.map(lambda p: "/".join([*p.split("/")[:-1], ".wh." + p.split("/")[-1]])),
              st.just("file"), st.just("")),
    st.tuples(st.sampled_from(["a/.wh..wh..opq", ".wh..wh..opq", "a/b/.wh..wh..opq"]),
              st.just("file"), st.just("")),
    st.tuples(NAMES, st.just("hardlink"), NAMES),
)  # fmt: skip
LAYERS = st.lists(st.lists(MEMBERS, max_size=6), max_size=5)


class Naive:
    """Whole paths to file numbers; None is a folder."""

    def __init__(self) -> None:
        self.world: dict[str, int | None] = {}
        self.sizes: list[int] = []

    def apply(self, members: list[Member]) -> None:
        for path, _, _ in members:
            folder, _, name = path.rpartition("/")
            if name == ".wh..wh..opq" and self.world.get(folder) is None:
                self.remove_below(folder)
            elif name.startswith(".wh.") and name != ".wh..wh..opq":
                self.remove(f"{folder}/{name[4:]}".lstrip("/"))
        for path, kind, text in members:
            if ".wh." not in path:
                self.place(path, kind, text)

    def place(self, path: str, kind: str, text: str) -> None:
        number: int | None = None
        if kind == "file":
            self.sizes.append(len(text))
            number = len(self.sizes) - 1
        elif kind == "hardlink":
            number = self.world.get(text)
            if number is None:
                return
        for depth in range(1, path.count("/") + 1):
            parent = "/".join(path.split("/")[:depth])
            if self.world.get(parent) is not None:
                self.remove(parent)
            self.world[parent] = None
        if not (kind == "folder" and self.world.get(path, 0) is None):
            self.remove(path)
            self.world[path] = number

    def remove(self, path: str) -> None:
        self.remove_below(path)
        self.world.pop(path, None)

    def remove_below(self, path: str) -> None:
        for known in list(self.world):
            if known.startswith(path + "/") or not path:
                del self.world[known]


def naive(layers: list[list[Member]]) -> tuple[dict[str, int], list[int]]:
    """Return path -> number of the visible files, and all payload sizes, number by number."""
    model = Naive()
    for members in layers:
        model.apply(members)
    return {p: n for p, n in model.world.items() if n is not None}, model.sizes


@given(LAYERS)
@settings(max_examples=600, deadline=None)
def test_any_stack_of_layers_agrees_with_the_naive_model(layers: list[list[Member]]) -> None:
    tree = tree_of(*layers)
    files, sizes = naive(layers)
    assert dict(tree.files()) == files
    assert list(tree.sizes) == sizes
    names = [list(files.values()).count(number) for number in range(len(sizes))]
    assert list(tree.names) == names


# --- files out of an image

USR_MERGED = [
    file("usr/lib/libc.so", "old libc"),
    file("usr/bin/python3.11", "#!interpreter"),
    link("usr/bin/python3", "python3.11"),
    link("lib", "usr/lib"),
    file("etc/shadow", "secret"),
]


def test_extract_writes_the_final_tree(tmp_path: Path) -> None:
    image = image_of(
        USR_MERGED,
        [file("lib/libc.so", "new libc"), ("usr/bin/p", "hardlink", "usr/bin/python3.11")],
        modes={"usr/bin/python3.11": 0o4755},
    )
    target = tmp_path / "root"
    paths = extract(image, lambda path: path.startswith("usr/"), target)
    assert paths == ("usr/bin/p", "usr/bin/python3", "usr/bin/python3.11", "usr/lib/libc.so")
    assert (target / "usr/lib/libc.so").read_text() == "new libc"
    assert (target / "usr/bin/python3").readlink() == Path("python3.11")
    assert stat.S_IMODE((target / "usr/bin/python3.11").stat().st_mode) == 0o755
    assert not (target / "etc").exists()


def test_extract_keeps_hardlinks_of_one_layer(tmp_path: Path) -> None:
    image = image_of([file("a/one", "data"), ("b/two", "hardlink", "a/one")])
    extract(image, lambda path: True, tmp_path / "all")
    assert (tmp_path / "all/b/two").stat().st_nlink == 2
    extract(image, lambda path: path == "b/two", tmp_path / "some")
    assert (tmp_path / "some/b/two").read_text() == "data"


def test_extract_never_writes_through_a_symlink(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    image = image_of(
        [link("door", str(outside)), link("etc/x", "/etc/passwd")],
        [file("door/evil", "evil"), file("etc/x", "mine")],
    )
    target = tmp_path / "root"
    extract(image, lambda path: True, target)
    assert list(outside.iterdir()) == []
    inside = target / str(outside).lstrip("/") / "evil"
    assert inside.read_text() == "evil"
    assert not (target / "etc/x").is_symlink()


def test_extract_refuses_hostile_layers_and_leaves_nothing_outside(tmp_path: Path) -> None:
    for members in ([file("../evil")], [file("/evil")], [link("x", "../../evil")]):
        with pytest.raises(BadImage):
            extract(image_of(members), lambda path: True, tmp_path / "root")
        assert list(tmp_path.rglob("*evil*")) == []


def test_extract_refuses_a_folder_that_is_not_empty(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(DiskError, match="not empty"):
        extract(image_of(USR_MERGED), lambda path: True, tmp_path)


def test_read_files_gives_visible_payloads_by_real_path() -> None:
    image = image_of(USR_MERGED, [file("lib/libc.so", "new"), file("etc/.wh.shadow", "")])
    wanted = {"usr/lib/libc.so", "lib/libc.so", "etc/shadow"}
    assert read_files(image, wanted.__contains__) == {"usr/lib/libc.so": b"new"}


def test_final_tree_reads_every_layer() -> None:
    tree = final_tree(image_of(USR_MERGED, [file("usr/.wh.bin", "")]))
    assert set(shown(tree)) == {"usr/lib/libc.so", "etc/shadow"}


def test_reading_stops_when_nobody_wants_the_rest() -> None:
    opened, read = [], []

    class Slow:
        def __init__(self, blob: bytes) -> None:
            self.blob = blob

        def open_blob(self, descriptor: Descriptor) -> VerifyingReader:
            opened.append(descriptor.digest)
            return VerifyingReader(self, descriptor.digest, descriptor.size)

        def read(self, amount: int) -> bytes:  # a layer that would take for ever
            read.append(amount)
            time.sleep(0.01)
            return bytes(512)

        def close(self) -> None:
            opened.remove(endless.descriptor.digest)

    quick = image_of([file("a")]).layers[0]
    bad = image_of([file("../a")]).layers[0]
    descriptor = Descriptor(OCI_LAYER_GZIP, digest_of(b"endless"), 1 << 40)
    endless = Layer(descriptor, digest_of(b"x"), Slow(b""))
    with pytest.raises(BadImage, match=bad.descriptor.digest):
        list(scan_layers([quick, bad, endless, endless]))
    assert opened == []
    assert len(read) < 300
