"""What scripts rely on: stdout is one JSON value, its keys are the promised ones, counts whole."""

import json
import re

import pytest
from parts.command import AS_DECLARED, KFP, make_pipeline
from parts.faulty_registry import faulty_registry
from parts.toy import Toy, make_base

from kfslim.oci import open_store

BY_DIGEST = re.compile(r"[a-z0-9.:/-]+@sha256:[0-9a-f]{64}\Z")
MEASURED = {
    "content_bytes", "disk_bytes", "layers", "distributions", "os_packages", "waste", "python",
}  # fmt: skip


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return Toy.make(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def report(toy):
    return toy.result(*toy.slim("", "--report", toy.folder / "report"))


def check_counts(value, path=""):
    """Every count of bytes is a whole number, wherever it is."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key.endswith("_bytes"):
                assert inner is None or type(inner) is int, f"{path}.{key}"
            check_counts(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            check_counts(inner, path + "[]")


def check_measured(value):
    assert value.keys() >= MEASURED
    assert sum(layer["content_bytes"] for layer in value["layers"]) == value["content_bytes"]
    assert sum(layer["disk_bytes"] for layer in value["layers"]) == value["disk_bytes"]
    owned = sum(d["disk_bytes"] for d in value["distributions"] + value["os_packages"])
    assert owned + value["unowned_bytes"] == value["disk_bytes"]
    assert all(d.keys() >= {"name", "version", "disk_bytes"} for d in value["distributions"])
    check_counts(value)


def test_slim(toy, report):
    assert [step["name"] for step in report["steps"]] == ["one", "two"]
    for step in report["steps"]:
        assert BY_DIGEST.match(step["reference"])
        assert step["content_bytes"] > 0 and step["disk_bytes"] > 0
        assert all(d.keys() >= {"name", "version", "disk_bytes"} for d in step["distributions"])
    held = [[d["name"] for d in step["distributions"]] for step in report["steps"]]
    assert list(map(sorted, held)) == [["alpha"], ["alpha", "beta", "gamma"]]
    check_counts(report)
    assert json.loads((toy.folder / "report" / "report.json").read_text()) == report
    assert all(step["reference"] in toy.output.read_text() for step in report["steps"])


def test_every_stage(toy, report, tmp_path):
    references = [step["reference"] for step in report["steps"]]
    plan = toy.result(
        "plan", toy.pipeline, "--no-before", "--no-audit", "--python", "3.11", "-o", toy.plan
    )
    assert json.loads(toy.plan.read_text()) == plan
    assert [step["name"] for step in plan["steps"]] == ["one", "two"]
    built = toy.result("build", toy.plan, "--to", toy.images)
    assert [step["reference"] for step in built["steps"]] == references
    assert all(step["unchanged"] for step in built["steps"])
    assert built["pushed_bytes"] == 0
    pinned = toy.result("pin", toy.pipeline, "--plan", toy.plan, "--to", toy.images)
    assert pinned["pins"] == dict(zip(("exec-one", "exec-two"), references, strict=True))
    assert pinned["pipeline"] == toy.output.read_text()
    other = f"oci:{tmp_path}/other"
    moved = toy.result("publish", toy.images, "--to", other)
    assert {i["reference"].rpartition("@")[2] for i in moved["images"]} == {
        reference.rpartition("@")[2] for reference in references
    }
    pruned = toy.result("prune", other, "--keep", toy.plan)
    assert (pruned["removed"], pruned["kept"]) == ([], {})
    steps = toy.result("steps", toy.pipeline)["steps"]
    assert [(step["name"], step["kind"]) for step in steps] == [
        ("one", "container"),
        ("two", "container"),
    ]
    for value in (plan, built, pinned, moved, pruned):
        assert value["schema_version"] == 1
        check_counts(value)


def test_measuring_images(toy, report):
    tag = next(tag for tag in open_store(toy.images).tags() if tag.startswith("two-"))
    base, two = f"oci:{toy.folder}/base:toy", f"{toy.images}:{tag}"
    one = toy.result("measure", base)
    check_measured(one)
    assert one["python"]["version"] == "3.11.2"
    several = toy.result("measure", base, two)
    assert several[0]["digest"] == one["digest"]
    check_measured(several[1])
    assert several[1]["content_bytes"] == report["steps"][1]["content_bytes"]
    full = toy.result("measure", two, "--full")
    assert full["bytes_read"] > several[1]["bytes_read"]
    same = MEASURED | {"unowned_bytes", "os_release", "digest"}
    assert {key: full[key] for key in same} == {key: several[1][key] for key in same}


def test_measuring_a_pipeline(toy, tmp_path):
    toy.index.wheel("kfp", KFP)
    pipeline = tmp_path / "pipeline.yaml"
    with faulty_registry() as state:
        open_store(f"docker://{state.host}/old").write(make_base(), "1")
        steps = {"load": ["beta"], "train": ["alpha==1.0"], "idle": []}
        pipeline.write_text(make_pipeline(steps, f"{state.host}/old:1"))
        measured = toy.result("measure", pipeline)
    assert [step["name"] for step in measured["steps"]] == list(steps)
    for step, count in zip(measured["steps"], (3, 2, 1), strict=True):
        check_measured(step["image"])
        assert step["runtime_install"]["distributions"] == count
        assert step["runtime_install"]["estimate"] is True
    base = measured["steps"][0]["image"]["content_bytes"]
    assert measured["unique_content_bytes"] == base  # all run on one image
    check_counts(measured)


def test_measuring_a_pipeline_whose_images_are_gone(toy, tmp_path):
    pipeline = tmp_path / "pipeline.yaml"
    pipeline.write_text(make_pipeline({"load": ["beta"]}, "127.0.0.1:9/old:1"))
    toy.index.wheel("kfp", KFP)
    (step,) = toy.result("measure", pipeline)["steps"]
    assert step["image"] is None
    assert "Connection refused" in step["reason"]


def test_pricing_a_list(toy, tmp_path):
    declared = tmp_path / "requirements.txt"
    declared.write_text("beta\nalpha==1.0\n")
    priced = toy.result("measure", "--declared", declared)
    assert [d["name"] for d in priced["distributions"]] == ["alpha", "beta", "gamma"]
    assert all(d.keys() == {"name", "version", "content_bytes"} for d in priced["distributions"])
    assert priced["content_bytes"] == sum(d["content_bytes"] for d in priced["distributions"])
    check_counts(priced)


def test_the_cache(toy, tmp_path):
    where = ("--cache-dir", tmp_path / "cache")
    assert toy.result("cache", "dir", *where) == {"path": str(tmp_path / "cache")}
    assert toy.result("cache", "clean", *where) == {"disk_bytes": 0}


@pytest.mark.parametrize("option", ["--quiet", "--json"])
def test_stderr_is_silent_when_nothing_is_wrong(toy, report, option):
    done = toy.here(*toy.slim(), "--bytecode", "none", option)
    assert (done.returncode, done.stderr) == (0, "")
    assert bool(done.stdout) == (option == "--json")


def test_without_an_output_the_pipeline_goes_to_stdout(toy, report):
    words = (
        "slim",
        toy.pipeline,
        "--no-before",
        *AS_DECLARED,
        "--python",
        "3.11",
        "--to",
        toy.images,
    )
    done = toy.here(*words)
    assert done.stdout == toy.output.read_text()
    assert "A fresh node pulls" in done.stderr
