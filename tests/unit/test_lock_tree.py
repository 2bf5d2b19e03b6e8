"""An installed tree is split by RECORD."""

import base64
import hashlib
from pathlib import Path

import pytest

from kfslim.errors import Unsupported
from kfslim.lock.tree import InstalledFile, read_tree, record_text, tree_hash

SITE = "lib/python3.11/site-packages"


def recorded(data: bytes) -> str:
    raw = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"sha256={raw},{len(data)}"


def put(tree: Path, name: str, files: dict[str, bytes], *, site: str = SITE, rows=()) -> None:
    """Install a distribution as an installer would; paths are relative to site-packages."""
    info = f"{name}-1.0.dist-info"
    lines = [f'"{path}",{recorded(data)}' for path, data in files.items()]
    record = "\n".join([*lines, *rows, f"{info}/RECORD,,", ""])
    for path, data in {**files, f"{info}/RECORD": record.encode()}.items():
        target = tree / site / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def paths(found) -> list[str]:
    return [file.path for file in found.files]


def test_each_distribution_has_its_own_files(tmp_path):
    put(tmp_path, "one", {"one/a.py": b"1", "../../../bin/one": b"#!x"})
    put(tmp_path, "two_b", {"two.py": b"2", "../../../share/man/two.1": b"m"})
    found = read_tree(tmp_path, "3.11")
    assert sorted(found) == ["one", "two-b"]
    assert paths(found["one"]) == [
        "bin/one",
        f"{SITE}/one-1.0.dist-info/RECORD",
        f"{SITE}/one/a.py",
    ]
    assert found["one"].files[2].sha256 == hashlib.sha256(b"1").hexdigest()
    assert found["one"].files[1].sha256 == ""
    assert "share/man/two.1" in paths(found["two-b"])
    assert not any(one.disturbed for one in found.values())


def test_paths_are_the_targets_not_the_hosts(tmp_path):
    put(
        tmp_path,
        "x",
        {"x.py": b"", "../../../include/site/python3.11/x/x.h": b"h"},
        site="lib64/python3.11/dist-packages",
    )
    assert paths(read_tree(tmp_path, "3.12")["x"]) == [
        "include/site/python3.12/x/x.h",
        "lib/python3.12/site-packages/x-1.0.dist-info/RECORD",
        "lib/python3.12/site-packages/x.py",
    ]


def test_what_installers_add_is_left_out(tmp_path):
    own = {
        f"x-1.0.dist-info/{name}": b"?" for name in ("INSTALLER", "REQUESTED", "direct_url.json")
    }
    put(tmp_path, "x", {"x.py": b"", "INSTALLER": b"a module's own file", **own})
    assert paths(read_tree(tmp_path, "3.11")["x"]) == [
        f"{SITE}/INSTALLER",
        f"{SITE}/x-1.0.dist-info/RECORD",
        f"{SITE}/x.py",
    ]


def test_missing_files_and_missing_hashes(tmp_path):
    put(tmp_path, "x", {"x.py": b""}, rows=["ghost.py,sha256=abc,3", "extra.py,,2"])
    (tmp_path / SITE / "extra.py").write_bytes(b"ex")
    extra, *_ = read_tree(tmp_path, "3.11")["x"].files
    assert extra.sha256 == hashlib.sha256(b"ex").hexdigest()
    assert "ghost" not in str(read_tree(tmp_path, "3.11"))


def test_an_overwritten_file_disturbs_only_the_loser(tmp_path):
    put(tmp_path, "loser", {"shared/__init__.py": b"L", "l.py": b""})
    put(tmp_path, "winner", {"shared/__init__.py": b"W", "w.py": b""})
    found = read_tree(tmp_path, "3.11")
    assert found["loser"].disturbed
    assert not found["winner"].disturbed


def test_the_same_file_twice_disturbs_nobody(tmp_path):
    put(tmp_path, "a", {"ns/__init__.py": b"same"})
    put(tmp_path, "b", {"ns/__init__.py": b"same"})
    assert not any(one.disturbed for one in read_tree(tmp_path, "3.11").values())


def test_alone_it_is_record_that_errs(tmp_path):
    put(tmp_path, "x", {"x.py": b"recorded"})
    (tmp_path / SITE / "x.py").write_bytes(b"really there")
    assert read_tree(tmp_path, "3.11")["x"].disturbed
    alone = read_tree(tmp_path, "3.11", alone=True)["x"]
    assert not alone.disturbed
    assert alone.files[1].sha256 == hashlib.sha256(b"really there").hexdigest()


@pytest.mark.parametrize("path", ["../../../../etc/passwd", "/etc/passwd"])
def test_a_record_may_not_leave_the_environment(tmp_path, path):
    put(tmp_path, "x", {"x.py": b""}, rows=[f"{path},,"])
    with pytest.raises(Unsupported, match="outside"):
        read_tree(tmp_path, "3.11")


def test_record_text_lists_exactly_what_is_given(tmp_path):
    put(tmp_path, "x", {"x.py": b"1", "y, z.py": b"2", "../../../bin/x": b"3"})
    files = read_tree(tmp_path, "3.11")["x"].files
    text = record_text(files).decode()
    assert text.splitlines() == [
        f"../../../bin/x,{recorded(b'3')}",
        "x-1.0.dist-info/RECORD,,",
        f"x.py,{recorded(b'1')}",
        f'"y, z.py",{recorded(b"2")}',
    ]
    assert record_text(reversed(files[:3])).decode().count("\n") == 3


def test_tree_hash_sees_paths_and_content_and_no_record():
    one = InstalledFile("a", Path("x"), 1, "aa", False)
    record = InstalledFile("r/RECORD", Path("x"), 1, "", False)
    assert tree_hash([one]) == tree_hash([record, one])
    assert tree_hash([one]) != tree_hash([one._replace(path="b")])
    assert tree_hash([one]) != tree_hash([one._replace(sha256="bb")])


def test_the_record_of_what_is_vendored_is_a_file_like_any_other(tmp_path):
    vendored = "_vendor/other-9.dist-info/RECORD"  # sorts before the distribution's own
    put(tmp_path, "host", {vendored: b"other.py,,", "host.py": b""})
    own, inner = (
        next(f for f in read_tree(tmp_path, "3.11")["host"].files if f.path.endswith(end))
        for end in ("host-1.0.dist-info/RECORD", vendored)
    )
    assert (own.sha256, inner.sha256) == ("", hashlib.sha256(b"other.py,,").hexdigest())
    files = read_tree(tmp_path, "3.11")["host"].files
    assert b"\nhost-1.0.dist-info/RECORD,,\n" in record_text(files)
    assert b"_vendor/other-9.dist-info/RECORD,sha256=" in record_text(files)
