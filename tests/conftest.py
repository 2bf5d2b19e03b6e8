"""Fixtures that give tests real parts; each says why when one is missing (see parts/need.py)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from parts.need import program
from parts.real_engine import use_engine
from parts.real_registry import Registry, start_registry
from xdist.scheduler import LoadFileScheduling

ROOT = Path(__file__).parents[1]
_ASKS = re.compile(r"""def \w+\([^)]*\bengine\b|getfixturevalue\("engine"\)""")

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
    """Mark what needs a real part."""
    for item in items:
        if {"registry", "engine", "skopeo"} & fixtures_of(item):
            item.add_marker("real")


def fixtures_of(item: pytest.Item) -> set[str]:
    return set(getattr(item, "fixturenames", ()))


class Together(LoadFileScheduling):
    """Whole files to one worker, and all files that use the engine to the same one.

    A test that lists images must not meet one that removes its own.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "engine" if uses_engine(ROOT / file) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    """Share tests out to workers (groups by mark are lost on pytest 9.2 with xdist 3.8)."""
    return Together(config, log)


@cache
def uses_engine(file: Path) -> bool:
    """True where a test or fixture of ``file`` asks for the engine."""
    return bool(_ASKS.search(file.read_text("utf-8")))
