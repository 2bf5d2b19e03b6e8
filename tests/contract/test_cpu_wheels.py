"""Builds for the CPU from an index that the config names, and never where a step asks for more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from parts.command import check_refused
from parts.toy import Toy, container_pipeline
from parts.wheels import Index, served

CONFIG = """\
base = "oci:{folder}/base:toy"
bytecode = "none"
requirements = ["lightning"]
indexes.cpu = "{url}"
cpu_indexes.torch = "cpu"
[steps.own.cpu_indexes]
torch = "default"
"""
GPU = {"resourceType": "nvidia.com/gpu", "resourceCount": "1"}


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Toy]:
    """Steps that get torch by way of another, and a server with its build for the CPU."""
    world = Toy.make(tmp_path)
    world.index.wheel("torch", "2.9", requires=("nvidia-cublas",))
    world.index.wheel("nvidia_cublas", files={"nvidia/lib.so": b"CUDA" * 1000})
    world.index.wheel("lightning", requires=("torch>=2",))
    cpu = Index(tmp_path / "cpu")
    cpu.wheel("torch", "2.9+cpu")
    with served(cpu) as url:
        (tmp_path / "kfslim.toml").write_text(CONFIG.format(folder=tmp_path, url=url))
        yield world


def ask_for_accelerator(path: Path, step: str) -> None:
    pipeline = yaml.safe_load(path.read_text())
    container = pipeline["deploymentSpec"]["executors"][f"exec-{step}"]["container"]
    container["resources"] = {"accelerator": GPU}
    path.write_text(yaml.safe_dump(pipeline))


def test_only_steps_without_an_accelerator_get_builds_for_the_cpu(toy: Toy) -> None:
    toy.pipeline.write_text(container_pipeline("plain", "asking", "own"))
    ask_for_accelerator(toy.pipeline, "asking")
    done = toy.here(*toy.slim())
    assert done.returncode == 0, done.stderr
    plan = json.loads(toy.plan.read_text())
    got = {
        step["name"]: {
            (one["name"], one["version"], one["index"])
            for one in step["images"][0]["lock"]["distributions"]
        }
        for step in plan["steps"]
    }
    cuda = {("nvidia-cublas", "1.0", "default"), ("torch", "2.9", "default")}
    common = {("lightning", "1.0", "default")}
    assert got["plain"] == common | {("torch", "2.9+cpu", "cpu")}
    assert got["asking"] == got["own"] == common | cuda
    assert "127.0.0.1" not in toy.plan.read_text()
    note = "torch 2.9+cpu comes from index cpu: the step asks for no accelerator"
    assert [step["name"] for step in plan["steps"] if note in step["notes"]] == ["plain"]


def test_a_version_that_the_index_lacks_is_refused(toy: Toy) -> None:
    config = toy.folder / "kfslim.toml"
    config.write_text(config.read_text().replace('"lightning"', '"torch==2.8"'))
    done = toy.here(*toy.slim())
    check_refused(done, 2, "the step depends on torch==2.8")
    assert "torch comes from index 'cpu' alone" in done.stderr
