"""The small parts of trial runners: logs, users, what goes into a folder and comes back."""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kfslim.trial.inside
from kfslim.trial.inside.handing import LONGEST, Item, Receiver, TooMuch, contents, hand_over
from kfslim.trial.inside.identity import Identity, identity_of
from kfslim.trial.inside.problem import Problem
from kfslim.trial.inside.watching import memory_left, usage_of
from kfslim.trial.log import MOST, BoundedLog

INSIDE = Path(kfslim.trial.inside.__file__).parent


@pytest.mark.parametrize("path", sorted(INSIDE.glob("*.py")), ids=lambda path: path.stem)
def test_what_runs_without_site_packages_needs_none(path):
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            known = name.split(".")[0] in sys.stdlib_module_names
            assert known or name.startswith("kfslim.trial.inside"), name


@given(st.lists(st.binary(max_size=1 << 19), max_size=12))
def test_a_log_keeps_its_beginning_and_its_end(chunks):
    log, whole = BoundedLog(), b"".join(chunks)
    for chunk in chunks:
        log.add(chunk)
    assert log.written == len(whole)
    if len(whole) <= MOST:
        assert log.text == whole.decode("utf-8", "replace")
        return
    half, text = MOST // 2, log.text
    assert text.startswith(whole[: half - 4].decode("utf-8", "replace")[:-4])
    assert text.endswith(whole[-half:].decode("utf-8", "replace"))
    assert f"... {len(whole) - MOST} bytes left out ..." in text


def test_a_log_of_gigabytes_stays_small():
    log, chunk = BoundedLog(), b"x" * 65536
    for _ in range(40_000):
        log.add(chunk)
    assert log.written == 40_000 * 65536
    assert len(log.text) < MOST + 60


PASSWD = """\
root:x:0:0:root:/root:/bin/sh
app:x:1000:1001::/srv/app:/bin/sh
42:x:7:8::/odd:/bin/sh
broken
nohome:x:9:9::relative:/bin/sh
"""
USERS = {
    "": Identity(0, 0, "/root"),
    "app": Identity(1000, 1001, "/srv/app"),
    "1000": Identity(1000, 1001, "/srv/app"),
    "42": Identity(7, 8, "/odd"),  # a name first, as Docker has it
    "4000": Identity(4000, 0, "/"),
    "app:staff": Identity(1000, 50, "/srv/app"),
    "4000:60": Identity(4000, 60, "/"),
    "nohome": Identity(9, 9, "/"),
}


@pytest.fixture
def etc(tmp_path) -> str:
    (tmp_path / "passwd").write_text(PASSWD)
    (tmp_path / "group").write_text("root:x:0:\nstaff:x:50:\n")
    return str(tmp_path)


@pytest.mark.parametrize("text", USERS)
def test_users_of_images(etc, text):
    assert identity_of(text, etc) == USERS[text]


@pytest.mark.parametrize("text", ["nobody-here", "app:nobody-here", "99999999999", "-1"])
def test_users_that_are_none(etc, text):
    with pytest.raises(Problem) as caught:
        identity_of(text, etc)
    assert caught.value.told["blame"] == "image"


def test_an_image_without_users(tmp_path):
    assert identity_of("", str(tmp_path)) == Identity(0, 0, "/")
    assert identity_of("65532:65532", str(tmp_path)) == Identity(65532, 65532, "/")


def fill(folder: Path) -> Path:
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "file").write_bytes(b"data")
    (folder / "tool").write_text("x")
    (folder / "tool").chmod(0o4750)
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "a" / "up").symlink_to("..")
    os.mkfifo(folder / "pipe")
    return folder


def test_only_files_and_folders_are_handed_over(tmp_path):
    source, target = fill(tmp_path / "source"), tmp_path / "target"
    target.mkdir()
    (target / "old").mkdir()
    (target / "old" / "gone").write_text("x")
    (target / "tool").symlink_to(tmp_path / "outside")
    hand_over(str(source), Receiver(str(target), 1000))
    assert list(contents(str(target))) == [
        Item("a", True, True, 0),
        Item("tool", False, True, 1),
        Item("a/b", True, True, 0),
        Item("a/b/file", False, False, 4),
    ]
    assert (target / "tool").stat().st_mode & 0o7777 == 0o755
    assert not (tmp_path / "outside").exists()


def test_no_more_than_is_allowed_is_received(tmp_path):
    source, target = fill(tmp_path / "source"), tmp_path / "target"
    target.mkdir()
    hand_over(str(source), Receiver(str(target), 5))
    with pytest.raises(TooMuch):
        hand_over(str(source), Receiver(str(target), 4))


def test_no_more_files_than_is_allowed_are_received(tmp_path, monkeypatch):
    monkeypatch.setattr("kfslim.trial.inside.handing.MOST_ITEMS", 3)
    receiver = Receiver(str(tmp_path), 1000)
    receiver.folder("a")
    receiver.file("a/b", False, [])
    receiver.file("c", False, [])
    with pytest.raises(TooMuch):
        receiver.file("d", False, [])


def test_paths_beyond_measure_are_left_out(tmp_path):
    at = os.open(tmp_path, os.O_RDONLY)
    for _ in range(40):
        os.mkdir("d" * 200, dir_fd=at)
        deeper = os.open("d" * 200, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = deeper
    os.close(at)
    found = list(contents(str(tmp_path)))
    assert 5 < len(found) < 40
    assert max(len(item.path) for item in found) <= LONGEST


def test_what_a_process_uses_is_read_as_the_kernel_tells_it():
    kept = b"x" * (50 << 20)
    usage = usage_of("/proc", [str(os.getpid()), "no-such-process"])
    assert usage.processes == 1
    assert usage.threads >= 1
    assert usage.memory_bytes > len(kept)


def test_the_share_of_memory_that_is_left():
    assert 0 < memory_left() <= 1
