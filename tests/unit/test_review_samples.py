"""The samples: each Dockerfile's findings, and what mending makes of it."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import pytest

from kfslim.context.model import ContextMeasure, Sent
from kfslim.review.codes import CODES
from kfslim.review.make import findings
from kfslim.review.masking import masked
from kfslim.review.mend import mend
from kfslim.review.parser import parse
from kfslim.review.scene import Scene
from kfslim.steps.tomlfile import read_toml

SAMPLES = Path(__file__).parents[1] / "samples" / "dockerfiles"
EXPECTED: dict[str, Any] = read_toml(SAMPLES / "expected.toml")
IGNORED = ContextMeasure(
    folder=".",
    dockerfile="",
    ignore_file=".dockerignore",
    dialect="buildkit",
    sent=Sent(),
    without=Sent(),
)


def scene(text: str) -> Scene:
    def read(name: str) -> str | None:
        path = SAMPLES / "context" / name
        return path.read_text() if path.is_file() else None

    project = read_toml(SAMPLES / "context" / "pyproject.toml")["project"]
    return Scene(parse(text), read, IGNORED, dependencies=tuple(project["dependencies"]))


def sample(name: str) -> str:
    return (SAMPLES / f"{name}.Dockerfile").read_text()


def test_every_sample_is_expected_and_every_code_has_one():
    assert {path.stem for path in SAMPLES.glob("*.Dockerfile")} == set(EXPECTED)
    told = {one.partition(":")[0] for expected in EXPECTED.values() for one in expected["findings"]}
    assert told == CODES.keys() - {"KS604"}  # this one is about the context


@pytest.mark.parametrize("name", EXPECTED)
def test_findings(name: str):
    found = findings(scene(sample(name)))
    assert [f"{one.code}:{one.line}" for one in found] == EXPECTED[name]["findings"]
    assert all(one.why_not for one in found if one.fix != "safe")
    unread = [n for p in parse(sample(name)).unread for n in range(p.first, p.last + 1)]
    assert unread == EXPECTED[name].get("unread", [])


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_mending_removes_findings_and_leaves_the_rest(name: str, end: str):
    text = sample(name).replace("\n", end)
    mended = mend(text, scene)
    done = {one.code for one in mended.done}
    assert sorted(done) == EXPECTED[name].get("fixed", [])
    again = mend(mended.text, scene)
    assert (again.text, again.done) == (mended.text, ())
    assert mended.text.replace(end, "").count("\n") == 0 or end == "\n"
    touched = [n for one in mended.done for n in range(one.line, one.last_line + 1)]
    assert bool(touched) == (mended.text != text)


def test_no_secret_is_told():
    told = str(findings(scene(sample("secrets"))))
    assert not [word for word in ("hunter2", "s3cr3t", "abcdef") if word in told]
    assert masked(
        'RUN curl -u x --token=abc -H "X-Api-Key: abc" https://a:abc@b/ && A_TOKEN=abc'
    ) == ('RUN curl -u x --token=*** -H "X-Api-Key: ***" https://***@b/ && A_TOKEN=***')


def test_no_more_findings_by_mending():
    for name in EXPECTED:
        before, after = sample(name), mend(sample(name), scene).text
        assert len(findings(scene(after))) <= len(findings(scene(before))), name


def test_other_lines_stay_as_they_are():
    before = sample("caches")
    lines = difflib.ndiff(before.splitlines(), mend(before, scene).text.splitlines())
    changed = [line[2:] for line in lines if line.startswith(("-", "+"))]
    assert changed == [
        "RUN pip install -r requirements.txt && \\",
        "RUN pip install --no-cache-dir -r requirements.txt && \\",
        "    python3 -m pip install -q scipy",
        "    python3 -m pip install --no-cache-dir -q scipy",
    ]


FIRST_MENDED = """\
FROM python:3.11-slim

# The version control that the first installs wanted
RUN apt-get update && apt-get install -y git && apt-get clean && rm -rf /var/lib/apt/lists/*

WORKDIR /app

# What the steps need
COPY requirements.txt more.txt ./
RUN pip install --no-cache-dir -r requirements.txt

# Everything there is
COPY . .

# The steps themselves
RUN pip install --no-deps --no-cache-dir .
"""


def test_the_first_image_mended():
    mended = mend(sample("first-image"), scene)
    assert mended.text == FIRST_MENDED
    left = {one.code for one in mended.left}
    assert left == {"KS602", "KS607", "KS609", "KS610", "KS613"}


def test_what_is_mended_only_when_asked():
    asked = mend(sample("first-image"), scene, only=["KS607", "KS610"])
    assert "apt-get install --no-install-recommends -y git" in asked.text
    assert asked.text.endswith("USER 1000\n")
    assert {one.code for one in asked.done} == {"KS607", "KS610"}


def test_a_base_is_pinned_by_the_digest_that_is_given():
    base = "python:3.11-slim"
    pinned = mend(sample("last-image"), scene, ["KS609"], {base: f"{base}@sha256:00"})
    assert pinned.text.count(f"FROM {base}@sha256:00") == 2
    assert f"FROM {base}@sha256:00 AS builder" in pinned.text
