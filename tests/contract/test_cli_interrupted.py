"""Runs that end in the middle, and runs at the same time: nothing half-done, the same digests."""

import json
import os
import random
import shutil
import signal
import subprocess
import time

import pytest
from parts.command import AS_DECLARED, check_refused, command
from parts.need import wait_until
from parts.toy import Toy


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """A world with enough wheels that a run takes its time."""
    world = Toy.make(tmp_path_factory.mktemp("toy"))
    names = [f"part{number}" for number in range(30)]
    for name in names:
        world.index.wheel(name, "1.0", {f"{name}.py": os.urandom(30_000).hex().encode()})
    world.index.wheel("alpha", "1.0", requires=tuple(names))
    return world


@pytest.fixture(scope="module")
def expected(toy):
    """The digests of an undisturbed run, and the seconds that it took from an empty cache."""
    start = time.monotonic()
    done = toy.run(*toy.slim(), "--json")
    seconds = time.monotonic() - start
    assert done.returncode == 0, done.stderr
    return digests(json.loads(done.stdout)), seconds


def digests(report):
    return [step["reference"].rpartition("@")[2] for step in report["steps"]]


def start(toy, folder, cache):
    """Start a run whose results go into ``folder``."""
    places = ("--to", f"oci:{folder}/images", "-o", folder / "slim.yaml")
    more = ("--plan", folder / "plan.json", "--report", folder / "report")
    words = (
        "slim",
        toy.pipeline,
        "--no-before",
        *AS_DECLARED,
        "--python",
        "3.11",
        *places,
        *more,
        "--json",
    )
    environ = {**os.environ, **toy.environ, "KFSLIM_CACHE_DIR": str(cache)}
    return subprocess.Popen(
        command(*words), env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip


def finished(process):
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return digests(json.loads(out))


def check_whole(folder):
    """Assert that what is there is whole: it parses, and tags have all their blobs."""
    for name in ("plan.json", "report/report.json"):
        if (folder / name).exists():
            json.loads((folder / name).read_text())
    index = folder / "images" / "index.json"
    manifests = json.loads(index.read_text())["manifests"] if index.exists() else []
    for entry in manifests:
        blobs = folder / "images" / "blobs" / "sha256"
        manifest = json.loads((blobs / entry["digest"][7:]).read_text())
        for part in (manifest["config"], *manifest["layers"]):
            assert (blobs / part["digest"][7:]).stat().st_size == part["size"]


ENDINGS = {"SIGINT": 130, "SIGTERM": 143, "SIGKILL": -9}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("moment", range(4))
def test_a_run_that_is_ended_and_the_run_after_it(toy, expected, tmp_path, ending, moment):
    wanted, seconds = expected
    part = random.Random(f"{ending}{moment}").uniform(0, 0.8)
    folder, cache = tmp_path / "out", tmp_path / "cache"
    process = start(toy, folder, cache)
    wait_until(cache.exists, process)  # before that there is nothing to leave half-done
    try:
        out, err = process.communicate(timeout=seconds * part)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, getattr(signal, ending))
        out, err = process.communicate(timeout=30)
    if out:  # it was over: the signal found it shutting down
        assert digests(json.loads(out)) == wanted
    elif ending != "SIGKILL":
        ended = subprocess.CompletedProcess("", process.returncode, out, err)
        check_refused(ended, ENDINGS[ending], "interrupted")
        left = [*cache.glob("scratch/*"), *cache.glob("blobs/new-*"), *folder.glob(".*")]
        assert not left
    else:
        assert process.returncode == ENDINGS[ending]
    check_whole(folder)
    assert finished(start(toy, folder, cache)) == wanted
    check_whole(folder)


def test_two_runs_at_once_on_one_cache_and_destination(toy, expected, tmp_path):
    folder, cache = tmp_path / "out", tmp_path / "cache"
    runs = [start(toy, folder, cache) for _ in range(3)]
    assert [finished(process) for process in runs] == [expected[0]] * 3
    check_whole(folder)
    tags = json.loads((folder / "images" / "index.json").read_text())["manifests"]
    assert len(tags) == 2


def test_what_a_killed_run_left_is_swept_a_day_later(toy, tmp_path):
    cache = tmp_path / "cache"
    for name, age in (("scratch/old", 90_000), ("scratch/new", 10), ("blobs/new-old", 90_000)):
        path = cache / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if "scratch" in name else path.write_bytes(b"half")
        os.utime(path, (time.time() - age,) * 2)
    finished(start(toy, tmp_path / "out", cache))
    assert [path.name for path in cache.glob("scratch/*")] == ["new"]
    assert not list(cache.glob("blobs/new-*"))


def test_a_cache_that_is_cleaned_between_plan_and_build(toy, expected, tmp_path):
    """Nothing but the plan is needed."""
    folder, cache = tmp_path / "out", tmp_path / "cache"
    assert finished(start(toy, folder, cache)) == expected[0]
    shutil.rmtree(folder / "images")
    assert toy.here("cache", "clean", "--cache-dir", cache).returncode == 0
    assert not any(cache.iterdir())
    words = ("build", folder / "plan.json", "--to", f"oci:{folder}/images", "--cache-dir", cache)
    assert digests(toy.result(*words)) == expected[0]
