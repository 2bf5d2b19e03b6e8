"""Fixtures that give tests real parts; each says why when one is missing (see parts/need.py)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from parts.need import program
from parts.real_engine import use_engine
from parts.real_registry import Registry, start_registry

# A busy machine is no finding: examples take the time that they take.
settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any-machine")


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A real docker-registry on 127.0.0.1, without auth, deleting allowed."""
    with start_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="session")
def engine() -> Iterator[str]:
    """A Docker Engine; ``DOCKER_HOST`` names it to everything that the tests start."""
    with use_engine() as host:
        before = os.environ.get("DOCKER_HOST")
        if host:
            os.environ["DOCKER_HOST"] = host
        yield host
        if before is None:
            os.environ.pop("DOCKER_HOST", None)


@pytest.fixture(scope="session")
def skopeo() -> str:
    """The path of skopeo, an independent judge of our images."""
    return program("skopeo")


@pytest.fixture(autouse=True)
def no_user_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory):
    """Keep the developer's own Docker credentials out of the tests."""
    folder: Path = tmp_path_factory.getbasetemp() / "no-settings"
    folder.mkdir(exist_ok=True)
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a real part, and keep together what must not run at the same time.

    Files run whole in one worker (``--dist loadgroup``), and all that use the engine in the same
    one: a test that lists images must not meet one that removes its own.
    """
    engine = {item.path for item in items if "engine" in fixtures_of(item)}
    for item in items:
        if {"registry", "engine", "skopeo"} & fixtures_of(item):
            item.add_marker("real")
        alone = item.path in engine or item.path.name.startswith("test_trial_")
        group = "engine" if alone else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


def fixtures_of(item: pytest.Item) -> set[str]:
    return set(getattr(item, "fixturenames", ()))
