"""The example's Dockerfiles, built unchanged by plain ``docker build``; its steps run on them."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
import yaml
from parts.command import result, shared_cache
from parts.need import missing, program
from parts.running import outputs, run_pipeline

PIPELINE = Path(__file__).parents[2] / "pipelines" / "retrain" / "pipeline.yaml"
STEPS = ["ingest", "validate", "features", "train", "evaluate", "register"]
DIALECTS = ["buildkit", "classic"]

pytestmark = [pytest.mark.real, pytest.mark.network]


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return shared_cache(tmp_path_factory)


@pytest.fixture(scope="module")
def plan(cache, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("plan") / "plan.json"
    result("plan", PIPELINE, "--base", "deb:bookworm", "--no-before", "-o", path, cache=cache)
    return path


def docker(*words: object, **more: str) -> str:
    """Run the docker client that knows both dialects: Debian's, before buildx was a plugin."""
    client = "/usr/bin/docker" if Path("/usr/bin/docker").exists() else program("docker")
    environ = {**os.environ, **more}
    done = subprocess.run(
        [client, *map(str, words)], capture_output=True, text=True, env=environ, timeout=900,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


def certificates() -> Path:
    """Return what this machine trusts: containers trust Debian's list only."""
    path = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    if not path:
        missing("this machine has no file of certificates")
    return Path(path)


def build(folder: Path, step: str, dialect: str) -> str:
    """Build an image as the Dockerfile's head says, for an index like this machine's.

    BuildKit builds a target of one file, the classic builder a step's own folder: it would make
    every stage that comes before a target.
    """
    name = f"kfslim-written-{dialect}:{step}"
    words = ["build", "--network", "host", "-t", name]
    if dialect == "buildkit":
        (folder.parent / "pip.conf").write_text("[global]\ncert = /run/secrets/ca\n")
        words += ["--secret", f"id=pip,src={folder.parent}/pip.conf"]
        words += ["--secret", f"id=ca,src={certificates()}", "--target", step, str(folder)]
    else:
        shutil.copyfile(certificates(), folder / step / "ca.crt")
        words += ["--build-arg", "PIP_CERT=ca.crt", str(folder / step)]
    if index := os.environ.get("PIP_INDEX_URL"):
        words[1:1] = ["--build-arg", f"PIP_INDEX_URL={index}"]
    docker(*words, DOCKER_BUILDKIT=str(int(dialect == "buildkit")))
    return name


def built_with(dialect: str) -> list[str]:
    """Return the steps whose images are made: all takes minutes, so the older dialect's are few."""
    whole = dialect == "buildkit" or os.environ.get("KFSLIM_SWEEP") == "1"
    return STEPS if whole else STEPS[-2:]


@pytest.fixture(scope="module", params=DIALECTS)
def built(request, engine, plan, cache, tmp_path_factory):
    """Images of all steps, by step, that are gone when they were looked at."""
    dialect, folder = request.param, tmp_path_factory.mktemp("written") / "docker"
    steps = built_with(dialect)
    which = ["--one-file"] if dialect == "buildkit" else [f"--step={step}" for step in steps]
    told = result("dockerfile", plan, "-o", folder, "--dialect", dialect, *which, cache=cache)
    assert [step for one in told["dockerfiles"] for step in one["steps"]] == steps
    images = {step: build(folder, step, dialect) for step in steps}
    yield images
    docker("rmi", "--force", *images.values())


def test_every_step_of_the_example_runs_on_them(built, tmp_path, monkeypatch):
    if len(built) < len(STEPS):
        pytest.skip("set KFSLIM_SWEEP=1 (3 minutes)")
    document, *others = yaml.safe_load_all(PIPELINE.read_text())
    for label, executor in document["deploymentSpec"]["executors"].items():
        container = executor["container"]
        container["image"] = built[label.removeprefix("exec-")]
        container["command"] = container["command"][-4:]  # without the run-time install
        assert container["command"][:2] == ["sh", "-ec"]
    pinned = tmp_path / "pinned.yaml"
    pinned.write_text(yaml.safe_dump_all([document, *others], sort_keys=False))
    monkeypatch.chdir(tmp_path)
    told = outputs(run_pipeline(pinned, tmp_path / "run"))
    assert sorted(path.rpartition("/")[2] for path in told) == sorted(STEPS)


def executor(image: str) -> set[str]:
    """Return the modules of kfp in an image, by their paths in site-packages."""
    ask = (
        "import pathlib, kfp, os; top = pathlib.Path(kfp.__file__).parent;"
        "print(*(p.relative_to(top.parent) for p in top.rglob('*') if '__pycache__' not in str(p)"
        " and p.is_file()))"
    )
    run = ("run", "--rm", "--network", "none", "--env", "_KFP_RUNTIME=true", image)
    return set(docker(*run, "python3", "-c", ask).split())


def test_they_hold_what_the_plan_says_and_no_more(built, plan):
    steps = {step["name"]: step["images"][0] for step in json.loads(plan.read_text())["steps"]}
    ask = "import importlib.metadata as m; print(*sorted(d.name for d in m.distributions()))"
    for step, image in built.items():
        told = docker("run", "--rm", "--network", "none", image, "python3", "-c", ask).split()
        names = {name.lower().replace("_", "-").replace(".", "-") for name in told}
        locked = {one["name"] for one in steps[step]["lock"]["distributions"]}
        assert names == locked | {steps[step]["runtime"]["name"]}, step
        wanted = {path for path in steps[step]["runtime"]["modules"] if path.startswith("kfp/")}
        assert executor(image) == wanted, step
        history = docker("history", "--no-trunc", image)
        assert "PIP_" not in history, step
        assert "pip.conf" not in history, step
