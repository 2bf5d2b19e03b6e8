"""The project's own sources as a layer."""

import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from parts.check_image import check_layer
from parts.installed import MINOR, host_python, members, unpack

from kfslim.build.project import project_layer
from kfslim.build.venv import environment_layer
from kfslim.cache import Cache
from kfslim.errors import BadPlan
from kfslim.lock.model import Lock
from kfslim.oci.compress import current_codec
from kfslim.plan.model import BasePlan, ImagePlan, ProjectLayer, PythonFacts
from kfslim.steps.project import read_project

ENV = "opt/kfslim"


class Changed(NamedTuple):
    path: str
    source: Path
    executable: bool


@pytest.fixture
def plan():
    facts = PythonFacts(version=f"{MINOR}.0", executable=str(host_python()))
    return ImagePlan(
        base=BasePlan(asked="x", digest="x", platform="linux/amd64", python=facts),
        lock=Lock(declaration="", python=MINOR, platform="linux/amd64"),
        bytecode="none",
        codec=current_codec(),
    )


def write(folder, files):
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return read_project(folder)


def run(plan, built, tmp_path, code):
    unpack(environment_layer(plan, Cache(tmp_path / "c")).layer, tmp_path / "root")
    unpack(built.layer, tmp_path / "root")
    # The .pth file holds paths of the image; here they are looked at below another root.
    for pth in (tmp_path / "root").rglob("kfslim-*.pth"):
        pth.write_text(pth.read_text().replace(f"/{ENV}", str(tmp_path / "root" / ENV)))
    python = tmp_path / "root" / ENV / "bin" / "python3"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("name", "files", "module"),
    [
        ("ml", {"train.py": "VALUE = 1\n", "data/x.csv": "1\n"}, "train"),
        ("ml/code", {"src/pkg/__init__.py": "VALUE = 1\n", "pyproject.toml": ""}, "pkg"),
        ("libs/mylib", {"__init__.py": "VALUE = 1\n", "sub.py": ""}, "mylib"),
        (".", {"helper.py": "VALUE = 1\n"}, "helper"),
    ],
)
def test_modules_of_a_project_are_importable(plan, tmp_path, name, files, module):
    project = write(tmp_path / "project", files)
    layer = ProjectLayer(name=name, tree_sha256=project.tree_sha256)
    built = project_layer(plan, layer, project.files, Cache(tmp_path / "c"))
    check_layer(built.layer, ours=True)
    assert run(plan, built, tmp_path, f"import {module}; print({module}.VALUE)") == "1"
    again = project_layer(plan, layer, (), Cache(tmp_path / "c"))
    assert again == built


def test_a_project_that_changed_since_the_plan_is_refused(plan, tmp_path):
    project = write(tmp_path / "project", {"a.py": "1\n", "b.py": "2\n"})
    layer = ProjectLayer(name="project", tree_sha256=project.tree_sha256)
    (tmp_path / "project" / "a.py").write_text("3\n")
    with pytest.raises(BadPlan, match="the project folder project is not what it was"):
        project_layer(plan, layer, project.files, Cache(tmp_path / "c"))
    first = project.files[0]
    executable = [Changed(first.path, first.source, True), *project.files[1:]]
    (tmp_path / "project" / "a.py").write_text("1\n")
    with pytest.raises(BadPlan):
        project_layer(plan, layer, executable, Cache(tmp_path / "c"))


def test_nothing_but_the_listed_files_goes_in(plan, tmp_path):
    files = {"a.py": "1\n", ".env": "SECRET=1\n", "id_rsa": "key\n", ".git/config": "x\n"}
    project = write(tmp_path / "project", files)
    layer = ProjectLayer(name="project", tree_sha256=project.tree_sha256)
    built = project_layer(plan, layer, project.files, Cache(tmp_path / "c"))
    found = [path for path, value in members(built.layer).items() if value is not None]
    assert sorted(path.rpartition("/")[2] for path in found) == ["a.py", "kfslim-project.pth"]
