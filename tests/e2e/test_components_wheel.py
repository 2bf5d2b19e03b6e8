"""The built wheel in a fresh environment: components import, a pipeline compiles and loads."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from uv import find_uv_bin

ROOT = Path(__file__).parents[2]
USE = """
import json, sys
from importlib.resources import files
from kfp import compiler, dsl
from kfp.components import load_component_from_file
import kfslim.components
from kfslim.dsl import slim

@dsl.component(base_image="python:3.11", packages_to_install=["pandas==2.3.3"])
def train(rows: int) -> int:
    return rows

@dsl.pipeline(name="nightly")
def nightly(registry: str = "registry:5000/ml/nightly"):
    slim(train(rows=7), registry)

compiler.Compiler().compile(nightly, sys.argv[1])
loaded = load_component_from_file(sys.argv[1])
folder = files("kfslim.components")
shipped = {
    name: load_component_from_file(str(folder / name / "component.yaml")).component_spec.name
    for name in kfslim.components.__all__
}
print(json.dumps({"name": loaded.component_spec.name, "shipped": shipped, "at": str(folder)}))
"""

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from a copy of what is committed or about to be."""
    source = tmp_path_factory.mktemp("source")
    for name in ("kfslim", "components", "pipelines"):
        skip = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=skip)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    uv("build", "--wheel", "--out-dir", str(source / "dist"), str(source))
    (built,) = (source / "dist").glob("*.whl")
    return built


def uv(*arguments: str) -> None:
    done = subprocess.run(
        [find_uv_bin(), *arguments, "--system-certs", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_wheel_holds_every_package_once(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert len(names) == len(set(names))
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"kfslim"}
    for folder in ("components", "pipelines"):
        inside = {name for name in names if name.startswith(f"kfslim/{folder}/")}
        kept = (".py", ".yaml", ".json", ".md")
        there = {
            f"kfslim/{path.relative_to(ROOT)}"
            for path in (ROOT / folder).rglob("*")
            if path.suffix in kept
        }
        assert inside == there
    assert "kfslim/report/html/page.css" in names
    assert "kfslim/py.typed" in names


def test_a_pipeline_with_the_helper_compiles_and_loads(wheel, tmp_path):
    uv("venv", "--python", sys.executable, str(tmp_path / "fresh"))
    python = tmp_path / "fresh" / "bin" / "python"
    uv("pip", "install", "--python", str(python), str(wheel))
    (tmp_path / "use.py").write_text(USE)
    told = json.loads(run(tmp_path, python, "use.py", "nightly.yaml").splitlines()[-1])
    assert told["name"] == "nightly"
    assert set(told["shipped"]) == set(told["shipped"].values())
    assert str(tmp_path / "fresh") in told["at"]
    image = "registry:5000/kfslim:7"
    written = run(tmp_path, python, "-m", "kfslim", "components", "--image", image, "-o", "yaml")
    files = [tmp_path / line for line in written.splitlines()]
    assert len(files) == len(list((tmp_path / "yaml").rglob("*.yaml"))) >= 10
    named = [file for file in files if f"image: {image}\n" in file.read_text()]
    assert {file.parent.name for file in set(files) - set(named)} == {"retrain"}


def run(folder: Path, *command: object) -> str:
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
