"""One fat image for all steps, which declare nothing: they come out slim, with the versions it had.

Docker Engine makes the image, pip fills it with distributions of late 2023, and every step runs on
its slim image without network.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import pytest
import yaml
from parts.command import AS_DECLARED, result
from parts.fat import SAMPLE, build_fat, forget_images, publish_base
from parts.running import outputs, run_pipeline

from kfslim.pin import verify

pytestmark = [pytest.mark.real, pytest.mark.network]

FOUND = """
import importlib.metadata, json
print(json.dumps({d.metadata["Name"]: d.version for d in importlib.metadata.distributions()}))
"""
# What a step's content may weigh, as a part of the fat image's; "score" keeps all.
RATIOS = {"plain": 0.15, "newer": 0.35, "declares": 0.35, "ours": 0.35, "train": 0.5, "frame": 0.5}


def load_sample():
    spec = importlib.util.spec_from_file_location("fat_sample", SAMPLE / "pipeline.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sample = pytest.fixture(scope="module")(load_sample)


@pytest.fixture(scope="module", autouse=True)
def cleaned(registry, engine):
    yield
    forget_images(registry.host)


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A project: its pipelines, its package, and what kfslim should know of it."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(SAMPLE / "house", folder / "house")
    (folder / "kfslim.toml").write_text('[steps.score]\nprojects = ["house"]\n')
    return folder


@pytest.fixture(scope="module")
def base(registry, engine, cache) -> str:
    return publish_base(registry, cache)


@pytest.fixture(scope="module")
def fat(registry, base, tmp_path_factory) -> str:
    return build_fat(registry, base, tmp_path_factory.mktemp("fat") / "context")


def held_by(image: str) -> dict[str, str]:
    """Ask the Python in an image what it has."""
    import docker

    client = docker.from_env()
    try:
        told = client.containers.run(
            image, ["python3", "-c", FOUND], remove=True, network_mode="none"
        )
    finally:
        client.close()
    return {name.lower().replace("_", "-"): version for name, version in json.loads(told).items()}


@pytest.fixture(scope="module")
def slimmed(registry, fat, cache, folder, sample) -> dict[str, dict]:
    """The report's steps, by name."""
    sample.compile_fat(fat, str(folder / "fat.yaml"))
    report = result(
        "slim", folder / "fat.yaml", "--base", "deb:bookworm", "--to", registry.reference("slim"),
        "-o", folder / "slim.yaml", *AS_DECLARED, cache=cache, timeout=900,
    )  # fmt: skip
    assert report["left_alone"] == []
    return {step["name"]: step for step in report["steps"]}


def distributions(step: dict) -> dict[str, str]:
    """What a step's image holds, apart from the KFP executor."""
    return {d["name"]: d["version"] for d in step["distributions"] if d["name"] != "kfp"}


def test_every_version_is_the_one_it_had(slimmed, fat):
    had = held_by(fat)
    for name, step in slimmed.items():
        held = distributions(step)
        changed = {n: v for n, v in held.items() if had.get(n) != v}
        assert changed == ({"pandas": "2.2.3"} if name == "newer" else {}), name
        assert held_by(step["reference"].removeprefix("docker://")).items() >= held.items()


def test_every_step_has_what_it_needs_and_no_more(slimmed):
    held = {name: set(distributions(step)) for name, step in slimmed.items()}
    pandas = {"pandas", "numpy", "python-dateutil", "six", "pytz", "tzdata"}
    assert held["plain"] == set()
    assert held["train"] == {"scikit-learn", "joblib", "numpy", "scipy", "threadpoolctl"}
    assert held["frame"] == pandas | {"pyarrow"}
    assert held["newer"] == pandas
    assert held["declares"] >= pandas | {"requests", "urllib3"}
    assert held["plot"] >= {"matplotlib", "pillow"}
    assert held["remote"] >= {"pandas", "s3fs", "aiobotocore"}
    assert {name for name, names in held.items() if "flask" in names} == {"score"}
    assert all("pip" not in names for names in held.values())


def test_the_step_that_unpickles_keeps_all_and_says_so(slimmed, fat):
    missing = held_by(fat).keys() - distributions(slimmed["score"]).keys()
    assert missing == {"pip", "setuptools", "wheel", "house-rules"}  # the last comes as a project
    assert any("joblib.load" in note for note in slimmed["score"]["notes"])


def test_steps_are_a_fraction_of_the_image(slimmed):
    for name, step in slimmed.items():
        ratio = step["content_bytes"] / step["before"]["content_bytes"]
        assert ratio < RATIOS.get(name, 0.9), f"{name}: {ratio:.2f}"


def test_every_step_runs_on_its_slim_image(slimmed, folder, tmp_path):
    verify((folder / "slim.yaml").read_text())
    run = run_pipeline(folder / "slim.yaml", tmp_path)
    told = {task: values["Output"] for task, values in outputs(run).items()}
    assert told == {
        "frame": {"pandas": "2.1.4", "numpy": "1.26.2", "sums": {"a": 9900, "b": 10000}},
        "train": {"sklearn": "1.3.2", "score": 1.0},
        "score": {"joblib": "1.3.2", "score": 1.0},
        "plain": 3.0,
        "plot": "3.8.2",
        "remote": {"opens_s3": "s3fs.core"},
        "declares": {"requests": "2.31.0", "pandas": "2.1.4"},
        "newer": {"pandas": "2.2.3", "numpy": "1.26.2", "text": "new"},
    }
    assert (run / "frame/table").read_bytes()[:4] == b"PAR1"
    assert (run / "plot/picture").read_bytes()[1:4] == b"PNG"


def test_the_teams_own_package_is_not_looked_for_on_an_index(
    registry, fat, cache, tmp_path, sample
):
    sample.compile_one(sample.ours, fat, str(tmp_path / "ours.yaml"))
    slim = ["slim", tmp_path / "ours.yaml", "--to", registry.reference("slim"), *AS_DECLARED, "-o"]
    report = result(*slim, tmp_path / "slim.yaml", cache=cache)
    (alone,) = report["left_alone"]
    assert "house-rules 0.3, which was installed into its image from a folder" in alone["reason"]
    assert (tmp_path / "slim.yaml").read_text() == (tmp_path / "ours.yaml").read_text()
    shutil.copytree(SAMPLE / "house", tmp_path / "house")
    (tmp_path / "kfslim.toml").write_text('[steps.ours]\nprojects = ["house"]\n')
    report = result(*slim, tmp_path / "slim.yaml", cache=cache)
    assert (
        report["steps"][0]["content_bytes"] < 0.35 * report["steps"][0]["before"]["content_bytes"]
    )
    assert outputs(run_pipeline(tmp_path / "slim.yaml", tmp_path / "run"))["ours"]["Output"] == 3


@pytest.mark.parametrize(("function", "packages"), [("frame", ()), ("newer", ("pandas==2.2.3",))])
def test_on_its_own_image_a_step_runs_as_well(
    registry, fat, cache, tmp_path, sample, function, packages
):
    """Nothing is added that the image has; what is declared wins over what it has."""
    path, slim = tmp_path / "step.yaml", tmp_path / "slim.yaml"
    sample.compile_one(getattr(sample, function), fat, str(path), *packages)
    report = result(
        "slim",
        path,
        "--base",
        fat,
        "--to",
        registry.reference("slim"),
        "-o",
        slim,
        *AS_DECLARED,
        cache=cache,
    )
    (step,) = report["steps"]
    added = step["content_bytes"] - step["before"]["content_bytes"]
    assert 0 < added < (20_000_000 if packages else 1_000_000)
    (values,) = outputs(run_pipeline(slim, tmp_path / "run")).values()
    assert values["Output"]["pandas"] == ("2.2.3" if packages else "2.1.4")
    assert values["Output"]["numpy"] == "1.26.2"


@pytest.fixture(scope="module")
def fat_kfp(registry, base, tmp_path_factory) -> str:
    context = tmp_path_factory.mktemp("kfp") / "context"
    return build_fat(registry, base, context, "requirements.kfp.txt")


def test_a_kfp_in_the_image_is_the_one_that_the_step_gets(
    registry, fat_kfp, cache, tmp_path, sample
):
    """The pipeline is compiled by a newer SDK, the image has an older kfp, and nothing installs."""
    had = held_by(fat_kfp)
    slim = tmp_path / "slim.yaml"
    for function in (sample.fetch, sample.client):
        path = tmp_path / "step.yaml"
        sample.compile_one(function, fat_kfp, str(path), install_kfp_package=False)
        (container,) = [
            executor["container"]
            for executor in yaml.safe_load(path.read_text())["deploymentSpec"]["executors"].values()
        ]
        assert "kfp==" not in " ".join(container["command"])
        report = result(
            "slim", path, "--base", "deb:bookworm", "--to", registry.reference("slim"),
            "-o", slim, *AS_DECLARED, cache=cache,
        )  # fmt: skip
        held = {d["name"]: d["version"] for d in report["steps"][0]["distributions"]}
        assert {name: had[name] for name in held} == held
        assert ("kubernetes" in held) is (function is sample.client)
        (values,) = outputs(run_pipeline(slim, tmp_path / "run")).values()
        assert values["Output"] == "2.14.3"
