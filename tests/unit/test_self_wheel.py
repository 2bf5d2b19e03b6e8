"""kfslim packs itself: the wheel holds what runs, whole and always the same."""

from __future__ import annotations

import base64
import csv
import hashlib
import zipfile
from importlib.metadata import version
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from kfslim.build.self_wheel import write_own_wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    own = write_own_wheel(folder)
    assert Path(unquote(urlsplit(own.url).path)) == folder / "simple"
    return folder / f"kfslim-{version('kfslim')}-py3-none-any.whl"


def test_it_holds_the_program_its_data_and_its_mapped_parts(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"kfslim/__init__.py", "kfslim/py.typed", "kfslim/report/html/page.css"} <= names
    assert {"kfslim/components/__init__.py", "kfslim/cli/self_image.py"} <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]


def test_its_record_is_right(wheel):
    archive = zipfile.ZipFile(wheel)
    (record,) = [name for name in archive.namelist() if name.endswith(".dist-info/RECORD")]
    rows = list(csv.reader(archive.read(record).decode().splitlines()))
    assert {name for name, _, _ in rows} == set(archive.namelist())
    for name, told, size in rows:
        if name != record:
            data = archive.read(name)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            assert (told, int(size)) == (f"sha256={digest}", len(data))


def test_its_command_line_and_requirements_are_there(wheel):
    archive = zipfile.ZipFile(wheel)
    papers = {n.rpartition("/")[2]: archive.read(n) for n in archive.namelist() if "dist-info" in n}
    assert b"kfslim = kfslim.cli.main:main" in papers["entry_points.txt"]
    assert b"Requires-Dist: kfp" in papers["METADATA"]


def test_the_same_files_give_the_same_wheel(wheel, tmp_path):
    write_own_wheel(tmp_path)
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()
    page = (tmp_path / "simple" / "kfslim" / "index.html").read_text()
    assert hashlib.sha256(wheel.read_bytes()).hexdigest() in page
