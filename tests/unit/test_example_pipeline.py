"""The committed example is what its source compiles to, and stays worth slimming."""

import importlib.util
import re
from pathlib import Path

import kfp
import pytest
import yaml
from kfp import compiler

FOLDER = Path(__file__).parents[2] / "pipelines" / "retrain"
STEPS = {"ingest", "validate", "features", "train", "evaluate", "register"}


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("retrain_example", FOLDER / "pipeline.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def committed() -> dict:
    return yaml.safe_load((FOLDER / "pipeline.yaml").read_text())


def test_the_compiled_pipeline_is_current(example, committed, tmp_path):
    if committed["sdkVersion"] != f"kfp-{kfp.__version__}":
        pytest.skip(f"compiled with {committed['sdkVersion']}; kfp {kfp.__version__} is here")
    compiler.Compiler().compile(example.retrain, str(tmp_path / "pipeline.yaml"))
    fresh = (tmp_path / "pipeline.yaml").read_text()
    assert fresh == (FOLDER / "pipeline.yaml").read_text(), "run: make compile"


def test_it_has_six_steps_that_install_packages_at_every_run(committed):
    executors = committed["deploymentSpec"]["executors"]
    assert {label.removeprefix("exec-") for label in executors} == STEPS
    for executor in executors.values():
        assert "pip install" in " ".join(executor["container"]["command"])


def test_every_declared_package_is_pinned(committed):
    for label, executor in committed["deploymentSpec"]["executors"].items():
        before_kfp = executor["container"]["command"][2].split("'kfp==")[0]
        quoted = re.findall(r"'([a-z][^']*)'", before_kfp)
        assert quoted, label
        assert all("==" in package for package in quoted), (label, quoted)
