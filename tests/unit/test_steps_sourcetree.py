"""Source trees: which files are read, and which modules they are."""

import os
import sys

import pytest

from kfslim.audit.uses import SourceText, read_uses
from kfslim.errors import InputError
from kfslim.steps.localmodules import LocalModules
from kfslim.steps.sourcetree import read_tree


def write(root, *names, text="import a\n"):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def files(root):
    return [source.file for source in read_tree(root)]


def test_the_tree_is_read_in_order_without_what_is_not_its_own(tmp_path):
    write(tmp_path, "b.py", "a/x.py", "a/tests/y.py", "n.txt")
    write(tmp_path, ".venv/x.py", "venv/x.py", "a/__pycache__/x.py", "node_modules/m/x.py")
    write(tmp_path, ".git/x.py", "own/pyvenv.cfg", "own/lib/x.py", "p.egg-info/x.py")
    write(tmp_path, "tests/t.py", "docs/conf.py", "setup.py", "conftest.py", "a/setup.py")
    assert files(tmp_path) == ["b.py", "a/setup.py", "a/x.py", "a/tests/y.py"]


def test_dockerignore_is_honoured(tmp_path):
    write(tmp_path, "a.py", "old/b.py", "old/keep.py")
    (tmp_path / ".dockerignore").write_text("old\n!old/keep.py\n")
    assert files(tmp_path) == ["a.py", "old/keep.py"]


def test_links_pipes_and_odd_names_do_no_harm(tmp_path):
    write(tmp_path, "a/x.py")
    (tmp_path / "a/loop").symlink_to(tmp_path)
    (tmp_path / "a/gone.py").symlink_to("nowhere.py")
    (tmp_path / "a/same.py").symlink_to("x.py")
    os.mkfifo(tmp_path / "a/pipe.py")
    (tmp_path / "a" / os.fsdecode(b"\xff.py")).write_text("import six")
    found = read_tree(tmp_path)
    assert [source.file for source in found] == ["a/same.py", "a/x.py", "a/\ufffd.py"]
    assert found[2].text == "import six"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\xef\xbb\xbfimport a\r\nimport b\r\n", ""),
        (b"# -*- coding: latin-1 -*-\nx = '\xe9'\nimport a, b", ""),
        (b"x = '\xe9'\nimport a, b", "decoded"),
        (b"# coding: nonsense\nimport a, b", "decoded"),
        (b"\x00\x00", "parsed"),
    ],
    ids=["bom", "latin", "no-utf8", "unknown", "null"],
)
def test_encodings(tmp_path, data, problem):
    (tmp_path / "m.py").write_bytes(data)
    uses = read_uses(read_tree(tmp_path))
    if problem:
        assert problem in uses.problems[0].text
        assert uses.doubts
    else:
        assert {found.module for found in uses.imports} == {"a", "b"}


def test_a_file_that_is_too_large_is_a_problem(tmp_path, monkeypatch):
    monkeypatch.setattr("kfslim.steps.sourcetree.MAX_SOURCE_BYTES", 10)
    write(tmp_path, "a.py", text="x = 1  # long enough\n")
    assert read_tree(tmp_path)[0].problem


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("kfslim.steps.sourcetree.MAX_FILES", 2)
    write(tmp_path, "a.py", "b.py", "c.py")
    with pytest.raises(InputError, match="more than 2"):
        read_tree(tmp_path)


def test_what_is_no_folder_is_refused(tmp_path):
    with pytest.raises(InputError):
        read_tree(tmp_path / "none")


@pytest.mark.parametrize(
    ("tree", "file", "module", "answered"),
    [
        ("step.py redis.py", "step.py", "redis", True),
        ("src/app/__init__.py src/app/redis.py src/main.py", "src/main.py", "redis", False),
        ("app/__init__.py app/redis.py app/m.py", "app/m.py", "redis", False),
        ("app/__init__.py app/redis.py app/m.py", "app/m.py", "app.redis", True),
        ("src/app/__init__.py src/app/m.py", "src/app/m.py", "app", True),
        ("scripts/redis.py src/main.py", "src/main.py", "redis", False),
        ("xgboost.py", "xgboost.py", "xgboost", False),
        ("space/part/m.py run.py", "run.py", "space", True),
    ],
)
def test_which_modules_a_tree_answers(tree, file, module, answered):
    assert LocalModules(tree.split()).answer(module, file) is answered


def test_what_the_tree_is_counts_as_local():
    names = "src/app/__init__.py src/app/m.py scripts/run.py"
    uses = read_uses(SourceText(name, "import app.m\nimport six\nimport run") for name in
                     names.split())  # fmt: skip
    assert {"app", "run", "src", "scripts", "m"} >= uses.local >= {"app", "run"}
    assert "app.m" not in {found.module for found in uses.imports if found.file.startswith("src")}
    assert "six" in {found.module for found in uses.imports}


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's permissions")
def test_an_unreadable_file_is_a_problem(tmp_path):
    write(tmp_path, "a.py")
    (tmp_path / "a.py").chmod(0)
    if os.access(tmp_path / "a.py", os.R_OK):
        pytest.skip("root reads everything")
    assert "cannot be read" in read_tree(tmp_path)[0].problem
