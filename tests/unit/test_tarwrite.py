"""The tar writer against independent readers."""

import io
import shutil
import subprocess
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfslim.errors import BadImage, DiskError
from kfslim.oci.tarwrite import TarWriter

PART = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=130
).filter(lambda part: part not in (".", "..") and len(part.encode()) < 250)
PATH = st.lists(PART, min_size=1, max_size=4).map("/".join)
FILES = st.dictionaries(PATH, st.binary(max_size=1500), max_size=8)


def parents(path):
    parts = path.split("/")[:-1]
    return ["/".join(parts[: i + 1]) for i in range(len(parts))]


def write(files, links=()):
    buffer = io.BytesIO()
    tar = TarWriter(buffer)
    for path in sorted({*files, *dict(links)}):
        if path in files:
            tar.add_file(path, files[path], len(files[path]))
        else:
            tar.add_symlink(path, dict(links)[path])
    tar.finish()
    return buffer.getvalue()


def read(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        members = tar.getmembers()
        return members, {m.name: tar.extractfile(m).read() for m in members if m.isreg()}


def consistent(paths):
    """No path lies below another one that is a file."""
    return not any(parent in paths for path in paths for parent in parents(path))


@given(FILES.filter(consistent))
def test_tarfile_reads_back_every_file_after_its_parents(files):
    members, found = read(write(files))
    assert found == files
    seen = set()
    for member in members:
        assert all(parent in seen for parent in parents(member.name))
        assert member.name not in seen
        seen.add(member.name)
    assert {m.name for m in members if m.isdir()} == {p for f in files for p in parents(f)}


@given(PATH, st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_links_keep_their_text(path, target):
    members, _ = read(write({}, [(path, target)]))
    assert members[-1].issym()
    assert (members[-1].name, members[-1].linkname) == (path, target)


def test_members_carry_no_time_owner_or_name():
    members, _ = read(write({"a/b": b"x"}))
    for member in members:
        assert (member.mtime, member.uid, member.gid) == (0, 0, 0)
        assert (member.uname, member.gname) == ("", "")


def test_modes_and_owner():
    buffer = io.BytesIO()
    tar = TarWriter(buffer, uid=65532, gid=7)
    tar.add_dir("tmp", 0o1777)
    tar.add_file("tmp/run", io.BytesIO(b"abc"), 3, 0o755)
    tar.finish()
    members, found = read(buffer.getvalue())
    assert [(m.name, m.mode, m.uid, m.gid) for m in members] == [
        ("tmp", 0o1777, 65532, 7),
        ("tmp/run", 0o755, 65532, 7),
    ]
    assert found == {"tmp/run": b"abc"}


def test_ordinary_paths_need_no_pax_header():
    deep = "opt/kfslim/lib/python3.11/site-packages/" + "package/" * 9 + "module_with_a_name.py"
    assert len(deep) > 100
    data = write({deep: b"x"})
    assert b"PaxHeader" not in data
    assert read(data)[1] == {deep: b"x"}


@pytest.mark.parametrize("length", [99, 100, 101, 155, 156, 255, 256, 257])
def test_lengths_around_the_field_widths(length):
    for path in ("n" * length, "d" * (length // 2) + "/" + "n" * (length - length // 2 - 1)):
        assert read(write({path: b"!"}))[1] == {path: b"!"}


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../up", "a/../../up", "a//b", "a/", "./a"])
def test_paths_that_leave_the_layer_are_refused(path):
    with pytest.raises(BadImage):
        write({path: b""})


def test_a_path_twice_and_a_file_as_parent_are_refused():
    tar = TarWriter(io.BytesIO())
    tar.add_file("a", b"", 0)
    with pytest.raises(BadImage, match="twice"):
        tar.add_file("a", b"", 0)
    with pytest.raises(BadImage, match="no folder"):
        tar.add_file("a/b", b"", 0)


@pytest.mark.parametrize("size", [2, 4])
def test_a_file_that_changed_size_is_an_error(size):
    for data in (b"abc", io.BytesIO(b"abc")):
        with pytest.raises(DiskError, match="changed"):
            TarWriter(io.BytesIO()).add_file("a", data, size)


def test_a_file_of_eight_gigabytes_says_its_size_in_a_pax_record():
    buffer = io.BytesIO()
    with pytest.raises(DiskError):  # the headers are what is looked at; the bytes need not exist
        TarWriter(buffer).add_file("big", io.BytesIO(), 8**11)
    data = buffer.getvalue()
    pax = tarfile.TarInfo.frombuf(data[:512], "utf-8", "strict")
    assert (pax.type, pax.size) == (tarfile.XHDTYPE, 19)
    assert data[512:531] == b"19 size=8589934592\n"
    member = tarfile.TarInfo.frombuf(data[1024:1536], "utf-8", "strict")
    assert (member.name, member.size) == ("big", 0)


@pytest.mark.skipif(not shutil.which("tar"), reason="no GNU tar here")
def test_gnu_tar_unpacks_it(tmp_path):
    files = {"a/b.txt": b"b" * 1000, "l" * 150 + "/" + "x" * 120: b"long", "é/ü": b"umlaut"}
    (tmp_path / "t.tar").write_bytes(write(files, [("a/link", "b.txt")]))
    out = tmp_path / "out"
    out.mkdir()
    done = subprocess.run(
        ["tar", "-xf", tmp_path / "t.tar", "-C", out], capture_output=True, check=True
    )
    assert done.stderr == b""
    assert {path: (out / path).read_bytes() for path in files} == files
    assert (out / "a/link").readlink().name == "b.txt"
