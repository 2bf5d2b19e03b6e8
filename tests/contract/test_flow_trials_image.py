"""Audit and trial of steps that declare nothing: what they need is what their old image holds."""

from __future__ import annotations

import json

import pytest
from parts.command import AS_DECLARED, make_pipeline, result, shared_cache
from parts.need import missing
from parts.real_registry import Registry
from parts.toy import container_pipeline

from kfslim.cache import Cache
from kfslim.trial.private_root import PrivateRoot

pytestmark = pytest.mark.network

# Versions that no index offers as the newest ones.
HAD = {"six": "1.16.0", "markupsafe": "3.0.2", "certifi": "2025.8.3", "idna": "3.10"}
SOURCES = {
    "plain": "def plain():\n    import six\n    assert six.__version__ == '1.16.0'\n",
    "hidden": """\
def hidden():
    import importlib.metadata
    import six
    assert six.__version__ == '1.16.0'
    assert __import__('efaspukram'[::-1]).escape('<') == '&lt;'
    assert importlib.metadata.version('efaspukram'[::-1]) == '3.0.2'
""",
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    folder = shared_cache(tmp_path_factory)
    if reason := PrivateRoot(Cache(folder)).refusal():
        missing(reason)
    return folder


@pytest.fixture(scope="module")
def folder(registry: Registry, tmp_path_factory, cache):
    """A pipeline whose steps stand on one image with everything, and install nothing."""
    made = tmp_path_factory.mktemp("fat")
    pins = [f"{name}=={version}" for name, version in HAD.items()]
    (made / "kfslim.toml").write_text(f"requirements = {json.dumps(pins)}\n")
    (made / "fat.yaml").write_text(container_pipeline("fat"))
    words = (*slim(made / "fat.yaml", registry), "--python", "3.11", *AS_DECLARED)
    (fat,) = result(*words, "--no-before", cache=cache)["steps"]
    image, folder = fat["reference"].removeprefix("docker://"), tmp_path_factory.mktemp("image")
    steps = dict.fromkeys(SOURCES, ())
    (folder / "pipeline.yaml").write_text(make_pipeline(steps, image, **SOURCES))
    return folder


def slim(pipeline, registry: Registry):
    places = ("--to", registry.reference("trials-image"), "-o", pipeline.with_suffix(".slim"))
    return ("slim", pipeline, "--base", "deb:bookworm", *places)


def by_name(report):
    return {step["name"]: step for step in report["steps"]}


def held(step):
    return {d["name"]: d["version"] for d in step["distributions"] if d["name"] != "kfp"}


def some(*names):
    return {name: HAD[name] for name in names}


def test_without_a_run_only_what_the_source_tells_goes(folder, registry, cache):
    steps = by_name(result(*slim(folder / "pipeline.yaml", registry), cache=cache))
    assert held(steps["plain"]) == some("six")
    assert held(steps["hidden"]) == HAD
    assert {step["trial"]["level"] for step in steps.values()} == {"start"}


def test_with_a_run_goes_what_it_proves_unneeded_and_versions_stay(folder, registry, cache):
    report = result(*slim(folder / "pipeline.yaml", registry), "--run", cache=cache)
    steps = by_name(report)
    assert held(steps["plain"]) == some("six")
    assert held(steps["hidden"]) == some("six", "markupsafe")
    for step in steps.values():
        assert (step["trial"]["outcome"], step["trial"]["level"]) == ("passed", "run")
    assert list(steps["hidden"]["trial"]["put_back"]) == ["markupsafe"]
    assert {gone["name"] for gone in steps["hidden"]["gone"]} == {"certifi", "idna"}
    told = {f["name"]: f["code"] for f in report["findings"] if f["step"] == "hidden"}
    assert told == {"six": "KS101", "markupsafe": "KS107", "certifi": "KS201", "idna": "KS201"}
