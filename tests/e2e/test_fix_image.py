"""A Dockerfile mended, built before and after with real apt and pip: the same program, smaller.

Its base takes two minutes by debootstrap, so that it is made only where that is installed, as for
``make bench-seed``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from parts.command import run_here
from parts.fat import wheelhouse
from parts.need import program

from kfslim.build.debian.sources import DebianSettings, find_sources

pytestmark = [pytest.mark.real, pytest.mark.network]

SAMPLE = Path(__file__).parents[1] / "samples" / "dockerfiles" / "first-image.Dockerfile"
DEBIAN, BASE, BUILT = "kfslim-test/debian:12", "kfslim-test/python:3.11", "kfslim-test/mended"
_BASE = f"""\
FROM {DEBIAN}
COPY wheels /wheels
ENV PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels
RUN PYTHONPATH=$(echo /wheels/pip-*.whl) python3 -m pip install pip
"""
LEFT_OUT = ("--exclude=./var/lib/apt/lists/*", "--exclude=./var/cache/apt/*")
FILES = {
    "requirements.txt": "six==1.16.0\n",
    "pyproject.toml": '[project]\nname = "steps"\nversion = "1"\ndependencies = ["six"]\n'
    '[build-system]\nrequires = ["setuptools", "wheel"]\n[tool.setuptools]\npackages = ["steps"]\n',
    "steps/__init__.py": "",
    "steps/__main__.py": "import six\nprint('six', six.__version__)\n",
}
MENDED = {"KS601", "KS603", "KS604", "KS605"}


def docker(*words: object) -> str:
    client = program("docker", "docker.io")
    done = subprocess.run([client, *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def base(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Debian's minimal system with Python and pip, and wheels to install."""
    debootstrap = shutil.which("debootstrap", path=f"{os.environ['PATH']}:/usr/sbin")
    if not debootstrap:
        pytest.skip("debootstrap is not installed")
    folder = tmp_path_factory.mktemp("base")
    mirror = find_sources("bookworm", DebianSettings())[0].uri
    subprocess.run(
        [debootstrap, "--variant=minbase", "--include=python3", "bookworm",
         str(folder / "root"), mirror],
        check=True, capture_output=True,
    )  # fmt: skip
    subprocess.run(
        ["tar", "-C", folder / "root", "-cf", folder / "root.tar", *LEFT_OUT, "."], check=True
    )
    docker("import", folder / "root.tar", DEBIAN)
    context = folder / "context"
    (context / "wheels").mkdir(parents=True)
    wheelhouse(context / "wheels", ["six==1.16.0"])
    (context / "Dockerfile").write_text(_BASE)
    docker("build", "-q", "--network", "none", "-t", BASE, context)
    yield BASE
    with suppress(AssertionError):
        docker("rmi", BASE, DEBIAN)


@contextmanager
def built(project: Path, tag: str) -> Iterator[str]:
    """Build ``project``; yield its reference for kfslim."""
    docker("build", "-q", "--network", "host", "-t", f"{BUILT}:{tag}", project)
    try:
        yield f"docker-daemon:{BUILT}:{tag}"
    finally:
        docker("rmi", "-f", f"{BUILT}:{tag}")


def audited(project: Path, image: str) -> dict:
    done = run_here("audit", project / "Dockerfile", "--image", image, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_program_runs_as_before_and_findings_are_gone(base, tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    text = SAMPLE.read_text().replace("python:3.11-slim", base)
    (tmp_path / "Dockerfile").write_text(text)
    with built(tmp_path, "before") as image:
        said = docker(
            "run", "--rm", "--network", "none", f"{BUILT}:before", "python3", "-m", "steps"
        )
        before = audited(tmp_path, image)
    assert said == "six 1.16.0\n"
    assert {one["code"] for one in before["findings"]} >= MENDED
    costs = {cost["line"]: cost["disk_bytes"] for cost in before["costs"]}
    (lists,) = (one for one in before["findings"] if one["code"] == "KS605")
    assert 10_000_000 < lists["disk_bytes"] < costs[4]

    done = run_here("fix", tmp_path / "Dockerfile", "--write", "--json")
    assert {one["code"] for one in json.loads(done.stdout)["done"]} == MENDED, done.stderr
    with built(tmp_path, "after") as image:
        assert (
            docker("run", "--rm", "--network", "none", f"{BUILT}:after", "python3", "-m", "steps")
            == said
        )
        after = audited(tmp_path, image)
        (tmp_path / "steps/__main__.py").write_text("print('changed')\n")
        log = docker("build", "--network", "host", "-t", f"{BUILT}:after", tmp_path)
        assert (
            docker("run", "--rm", "--network", "none", f"{BUILT}:after", "python3", "-m", "steps")
            == "changed\n"
        )
    assert (
        "Using cache" in log.partition("RUN pip install --no-cache-dir -r")[2].partition("COPY")[0]
    )
    assert not MENDED & {one["code"] for one in after["findings"]}
    assert after["notes"] == before["notes"]
    assert before["disk_bytes"] - after["disk_bytes"] > 0.9 * lists["disk_bytes"]
