"""Distributions that come from one index alone: what is asked, and what uv is told."""

from __future__ import annotations

from pathlib import Path

from kfslim.lock.job import Job
from kfslim.lock.sources import (
    declared_names,
    in_any_build,
    pinned,
    sources_of,
    with_sources,
    write_sources,
)
from kfslim.lock.toml import parse_toml
from kfslim.oci.image import Platform

SOURCES = (("torch", "cpu"), ("torchvision", "cpu"))


def job(*requirements: str, **more: object) -> Job:
    return Job(requirements, "3.11", Platform(), **{"sources": SOURCES, **more})  # type: ignore[arg-type]


def test_a_version_means_any_build_of_it_only_where_there_is_a_source() -> None:
    pins = ("torch==2.9.1+cu128", "numpy==1.0+mkl")
    freed = in_any_build(job(*pins, constraints=pins))
    assert freed.requirements == freed.constraints == ("torch==2.9.1", "numpy==1.0+mkl")
    assert freed.declaration == job(*pins, constraints=pins).declaration


def test_what_is_pinned_keeps_its_version_but_for_upgrades() -> None:
    versions = {"torch": "2.9.1+cpu", "numpy": "1.0"}
    assert pinned(job("torch"), versions).constraints == ("torch==2.9.1",)
    for upgrade in (True, frozenset({"torch"})):
        assert pinned(job("torch", upgrade=upgrade), versions).constraints == ()


def test_what_is_overridden_or_behind_a_marker_is_not_asked_from_its_source() -> None:
    assert sources_of(job(overrides=("torch==2.0",))) == {"torchvision": "cpu"}
    assert declared_names(job("torch>=2", "torchvision; sys_platform == 'win32'")) == {"torch"}


def test_uv_is_told_by_a_project_that_names_the_index(tmp_path: Path) -> None:
    write_sources(tmp_path, with_sources(job("app"), {"torch"}), {"cpu": 'https://x/"simple'})
    told = parse_toml((tmp_path / "pyproject.toml").read_text())
    assert told["project"]["dependencies"] == ["torch"]
    assert told["tool"]["uv"]["sources"] == {"torch": {"index": "cpu"}}
    assert told["tool"]["uv"]["index"] == [
        {"name": "cpu", "explicit": True, "url": 'https://x/"simple'}
    ]
    write_sources(tmp_path, with_sources(job("app"), ()), {})
    assert not (tmp_path / "pyproject.toml").exists()
