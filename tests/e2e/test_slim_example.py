"""The example, slimmed by one command: to a real registry, run step by step on a real engine.

Nothing is installed while it runs: the containers have no network.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PIPELINE = ROOT / "pipelines" / "retrain" / "pipeline.yaml"
STEPS = ["ingest", "validate", "features", "train", "evaluate", "register"]
MB = 1_000_000

pytestmark = [pytest.mark.real, pytest.mark.network]


def kfslim(*arguments: str, cache: Path) -> dict:
    """Run the command line with ``--json``; return its result."""
    command = [sys.executable, "-m", "kfslim", *arguments, "--json", "--cache-dir", str(cache)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("slimmed")


@pytest.fixture(scope="module")
def slimmed(registry, cache, folder) -> dict:
    """The report of slimming the example into the registry."""
    return kfslim(
        "slim", str(PIPELINE), "--base", "deb:bookworm", "--to", registry.reference("ml/retrain"),
        "-o", str(folder / "slim.yaml"), "--report", str(folder), cache=cache,
    )  # fmt: skip


def executors(path: Path) -> dict:
    document = next(yaml.safe_load_all(path.read_text()))
    labels = document["deploymentSpec"]["executors"]
    return {label.removeprefix("exec-"): value["container"] for label, value in labels.items()}


def test_every_step_is_pinned_and_installs_nothing(slimmed, folder, registry):
    containers = executors(folder / "slim.yaml")
    published = {step["name"]: step["reference"] for step in slimmed["steps"]}
    assert sorted(published) == sorted(STEPS)
    for name, container in containers.items():
        assert re.fullmatch(
            rf"{registry.host}/ml/retrain@sha256:[0-9a-f]{{64}}", container["image"]
        )
        assert published[name].removeprefix("docker://") == container["image"]
        assert "pip" not in " ".join(container["command"][:2])
        assert "pip install" not in " ".join(container["command"])


def test_only_image_and_command_changed(slimmed, folder):
    def without(path: Path) -> dict:
        document = next(yaml.safe_load_all(path.read_text()))
        for executor in document["deploymentSpec"]["executors"].values():
            executor["container"].pop("image")
            executor["container"].pop("command")
        return document

    assert without(folder / "slim.yaml") == without(PIPELINE)


def test_the_sizes_are_what_we_promise(slimmed):
    content = [step["content_bytes"] for step in slimmed["steps"]]
    assert statistics.median(content) <= 105 * MB
    assert slimmed["totals"]["after"]["content_bytes"] <= 260 * MB
    layers = {
        layer["digest"]: layer["content_bytes"]
        for step in slimmed["steps"]
        for layer in step["layers"]
    }
    assert sum(layers.values()) == slimmed["totals"]["after"]["content_bytes"]
    for step in slimmed["steps"]:
        assert sum(layer["content_bytes"] for layer in step["layers"]) == step["content_bytes"]


def test_the_report_lies_beside(slimmed, folder):
    written = json.loads((folder / "report.json").read_text())
    assert [s["reference"] for s in written["steps"]] == [s["reference"] for s in slimmed["steps"]]
    page = (folder / "report.html").read_text()
    assert all(step["reference"] in page for step in slimmed["steps"])


def test_the_versions_are_the_declared_ones(slimmed):
    for step in slimmed["steps"]:
        held = {d["name"]: d["version"] for d in step["distributions"]}
        source = " ".join(executors(PIPELINE)[step["name"]]["command"][:3]).split("'kfp==")[0]
        for name, version in re.findall(r"'([\w-]+)==([\w.]+)'", source):
            assert held[name] == version


@pytest.fixture(scope="module")
def ran(slimmed, folder, engine, tmp_path_factory) -> Path:
    """The folder that a run of the slimmed pipeline left behind: a sub-folder per step."""
    from kfp import local
    from kfp.components import load_component_from_file

    root = tmp_path_factory.mktemp("run")
    runner = local.DockerRunner(network_mode="none", user=f"{os.getuid()}:{os.getgid()}")
    local.init(runner, pipeline_root=str(root), raise_on_error=True)
    load_component_from_file(str(folder / "slim.yaml"))()
    (run,) = root.iterdir()
    return run


def outputs(ran: Path, step: str) -> dict:
    return json.loads((ran / step / "executor_output.json").read_text())


def test_every_step_runs_on_its_slim_image(ran):
    assert {path.name for path in ran.iterdir()} >= set(STEPS)
    assert outputs(ran, "ingest")["parameterValues"]["Output"] == 569
    assert outputs(ran, "validate")["parameterValues"]["Output"] == 569
    assert outputs(ran, "train")["parameterValues"]["Output"] > 0.97
    assert outputs(ran, "evaluate")["parameterValues"]["Output"] > 0.97
    assert outputs(ran, "register")["parameterValues"]["Output"] == "champion"


def test_the_run_left_real_artifacts(ran):
    for name in ("ingest/raw", "validate/valid"):
        assert (ran / name).read_bytes()[:4] == b"PAR1"
    assert (ran / "features/train_set").read_bytes()[:2] == b"PK"
    assert (ran / "train/model").stat().st_size > 1000
    assert len(list((ran / "train/tracking").rglob("metrics/roc_auc"))) == 3
    assert list((ran / "register/registry").rglob("champion"))


def test_the_image_has_no_pip(slimmed, ran, engine):
    import docker
    from docker.errors import ContainerError

    client = docker.from_env()
    image = slimmed["steps"][0]["reference"].removeprefix("docker://")
    with pytest.raises(ContainerError, match="No module named pip"):
        client.containers.run(image, ["python3", "-m", "pip"], remove=True, network_mode="none")
    client.close()


def test_a_layout_holds_the_same_images(slimmed, cache, folder, skopeo):
    layout = folder / "images"
    again = kfslim(
        "slim", str(PIPELINE), "--base", "deb:bookworm", "--to", f"oci:{layout}",
        "--pull-from", "localhost:5000/kfslim-demo", "-o", str(folder / "layout.yaml"), cache=cache,
    )  # fmt: skip

    def digest(step: dict) -> str:
        return step["reference"].rpartition("@")[2]

    assert [digest(step) for step in again["steps"]] == [digest(s) for s in slimmed["steps"]]
    for name, container in executors(folder / "layout.yaml").items():
        assert container["image"].startswith("localhost:5000/kfslim-demo@sha256:"), name
    index = json.loads((layout / "index.json").read_text())
    tags = [m["annotations"]["org.opencontainers.image.ref.name"] for m in index["manifests"]]
    for step in again["steps"]:
        (tag,) = [t for t in tags if re.fullmatch(rf"{step['name']}-[0-9a-f]{{12}}", t)]
        inspected = subprocess.run(
            [skopeo, "inspect", f"oci:{layout}:{tag}"], capture_output=True, text=True, check=False
        )
        assert inspected.returncode == 0, inspected.stderr
        assert json.loads(inspected.stdout)["Digest"] == digest(step)


def test_a_second_run_pushes_nothing(slimmed, registry, cache, folder):
    again = kfslim(
        "slim", str(PIPELINE), "--base", "deb:bookworm", "--to", registry.reference("ml/retrain"),
        "-o", str(folder / "again.yaml"), cache=cache,
    )  # fmt: skip
    assert again["totals"]["traffic"]["pushed_bytes"] == 0
    assert (folder / "again.yaml").read_bytes() == (folder / "slim.yaml").read_bytes()
