"""The script that finishes an environment in a builder stage, run as it is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kfslim.dockerfile import finish

SITE = "lib/python3.11/site-packages"
FILES = {
    f"{SITE}/a/__init__.py": "x = 1\n",
    f"{SITE}/a/tests/deep/test_a.py": "assert 1\n",
    f"{SITE}/a/old.py": "print 'two'\n",
    f"{SITE}/b.py": "y = 2\n",
    f"{SITE}/a-1.dist-info/RECORD": "a/__init__.py,,\na/tests/deep/test_a.py,,\n"
    "a-1.dist-info/INSTALLER,,\na-1.dist-info/RECORD,,\n",
    f"{SITE}/a-1.dist-info/INSTALLER": "pip\n",
    f"{SITE}/a-1.dist-info/REQUESTED": "",
}


@pytest.fixture
def environment(tmp_path) -> Path:
    for path, text in FILES.items():
        (tmp_path / "env" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "env" / path).write_text(text)
    return tmp_path / "env"


def run(*arguments: object) -> None:
    subprocess.run([sys.executable, "-I", finish.__file__, *map(str, arguments)], check=True)


def held(folder: Path) -> set[str]:
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    return {path.removeprefix(f"{SITE}/") for path in found if not path.startswith("pyvenv")}


def test_what_is_listed_goes_with_empty_folders_and_its_records(environment, tmp_path):
    listing = tmp_path / "left-out.txt"
    listing.write_text(f"# tests: why\n{SITE}/a/tests/deep/test_a.py\n\n{SITE}/never/was.py\n")
    run("--leave-out", listing, environment)
    assert not any("tests" in path or path.endswith("REQUESTED") for path in held(environment))
    record = (environment / SITE / "a-1.dist-info/RECORD").read_text()
    assert record == "a/__init__.py,,\na-1.dist-info/RECORD,,\n"


def test_all_modules_are_compiled_and_those_that_do_not_are_left(environment):
    run("--compile", "all", environment, "--shown", "/opt/kfslim")
    tag = sys.implementation.cache_tag
    names = held(environment)
    assert {f"a/__pycache__/__init__.{tag}.pyc", f"__pycache__/b.{tag}.pyc"} <= names
    assert f"a/__pycache__/old.{tag}.pyc" not in names
    pyc = (environment / SITE / f"__pycache__/b.{tag}.pyc").read_bytes()
    assert pyc[4:8] == b"\1\0\0\0"  # unchecked hash, PEP 552
    assert f"/opt/kfslim/{SITE}/b.py".encode() in pyc


def test_only_listed_modules_are_compiled(environment, tmp_path):
    (tmp_path / "compiled.txt").write_text(f"# seen\n{SITE}/b.py\n{SITE}/gone.py\n")
    run("--compile", tmp_path / "compiled.txt", environment)
    pycs = {path for path in held(environment) if path.endswith(".pyc")}
    assert pycs == {f"__pycache__/b.{sys.implementation.cache_tag}.pyc"}


def test_of_one_distribution_only_what_is_listed_stays(environment, tmp_path):
    record = environment / SITE / "a-1.dist-info/RECORD"
    (environment / "bin").mkdir()
    (environment / "bin" / "a").write_text("#!\n")
    record.write_text(record.read_text() + "../../../bin/a,,\n../../../../outside,,\n")
    (environment.parent / "outside").write_text("")
    kept = [f"{SITE}/a/__init__.py", f"{SITE}/a-1.dist-info/RECORD"]
    (tmp_path / "kept.txt").write_text("# why\n" + "".join(f"{path}\n" for path in kept))
    run("--keep-only", tmp_path / "kept.txt", environment)
    files = {p.relative_to(environment).as_posix() for p in environment.rglob("*") if p.is_file()}
    # what RECORD does not list is not its own; b.py is nobody's here
    assert files == {*kept, f"{SITE}/a/old.py", f"{SITE}/b.py", f"{SITE}/a-1.dist-info/REQUESTED"}
    assert (environment.parent / "outside").exists()
