"""Slimming by audit and trial, with real packages, in real roots."""

from __future__ import annotations

import json
import re

import pytest
from parts.command import check_refused, make_pipeline, result, run, shared_cache
from parts.need import missing
from parts.wheels import Index, served

from kfslim.cache import Cache
from kfslim.oci import open_store
from kfslim.plan.model import LABEL_TRIAL
from kfslim.trial.private_root import PrivateRoot

pytestmark = pytest.mark.network

PACKAGES = ["six==1.16.0", "markupsafe==3.0.2", "certifi==2025.8.3", "idna==3.10"]
HIDDEN = "def hidden():\n    __import__('efaspukram'[::-1]).escape('<')\n"
SILENT = """\
def silent():
    import six
    try:
        __import__('efaspukram'[::-1]), __import__('andi'[::-1])
    except ImportError:
        raise SystemExit(9) from None
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    folder = shared_cache(tmp_path_factory)
    if reason := PrivateRoot(Cache(folder)).refusal():
        missing(reason)
    return folder


def make(folder, config="", **bodies):
    """Write a pipeline of steps that declare all PACKAGES."""
    steps = dict.fromkeys(bodies, PACKAGES)
    (folder / "pipeline.yaml").write_text(make_pipeline(steps, **bodies))
    (folder / "kfslim.toml").write_text(config)
    return folder


def words(folder, *more):
    places = ("--to", f"oci:{folder}/images", "-o", folder / "slim.yaml", "--report", folder / "r")
    return (
        "slim",
        folder / "pipeline.yaml",
        "--no-before",
        "--base",
        "deb:bookworm",
        *places,
        *more,
    )


def held(step):
    return {one["name"] for one in step["distributions"]} & {p.partition("==")[0] for p in PACKAGES}


def by_name(report):
    return {step["name"]: step for step in report["steps"]}


@pytest.fixture(scope="module")
def plain(tmp_path_factory, cache):
    """A step that imports one of what it declares, slimmed with a plan."""
    folder = make(tmp_path_factory.mktemp("plain"), plain="def plain():\n    import six\n")
    return folder, result(*words(folder, "--plan", folder / "plan.json"), cache=cache)


def test_what_nobody_needs_goes_and_each_is_explained(plain):
    _, report = plain
    (step,) = report["steps"]
    assert held(step) == {"six"}
    assert {gone["name"] for gone in step["gone"]} == {"markupsafe", "certifi", "idna"}
    assert all(gone["code"] == "KS201" and gone["why"] for gone in step["gone"])
    assert {(f["requirement"], f["action"]) for f in report["findings"]} == {
        ("six==1.16.0", "keep"),
        *((text, "remove") for text in PACKAGES[1:]),
    }
    assert (step["trial"]["outcome"], step["trial"]["level"]) == ("passed", "start")


def test_the_plan_has_the_proof_and_the_bytecode_of_what_was_loaded(plain):
    folder, _ = plain
    (step,) = json.loads((folder / "plan.json").read_text())["steps"]
    (image,) = step["images"]
    assert step["proof"]["level"] == "start" and step["proof"]["runner"] == "private-root"
    assert image["bytecode"] == "trace"
    assert {"name": "six", "modules": ["six.py"]} in image["compiled"]
    assert {one["locked"]["name"] for one in step["dropped"]} == {"markupsafe", "certifi", "idna"}


def test_the_log_of_each_trial_is_kept(plain):
    folder, _ = plain
    log = (folder / "r" / "trials" / "plain.log").read_text()
    assert len(re.findall(r"^== plain-[0-9a-f]{12}, start, [\d.]+ s: passed$", log, re.M)) == 2


@pytest.mark.parametrize("by", ["the plan", "the cache"])
def test_what_was_proven_is_not_tried_again(plain, cache, by, tmp_path):
    folder, report = plain
    plan = folder / "plan.json" if by == "the plan" else tmp_path / "none.json"
    again = result(*words(folder, "--plan", plan), cache=cache)
    (step,) = again["steps"]
    assert step["trial"]["outcome"] == "known"
    assert step["reference"] == report["steps"][0]["reference"]
    assert again["totals"]["traffic"]["pushed_bytes"] == 0
    assert step["gone"] == report["steps"][0]["gone"]
    assert again["findings"] == report["findings"]


def test_planning_keeps_what_was_proven(plain, cache, tmp_path):
    folder, _ = plain
    path = tmp_path / "plan.json"
    path.write_bytes((folder / "plan.json").read_bytes())
    arguments = ("plan", folder / "pipeline.yaml", "--no-before", "--base", "deb:bookworm")
    result(*arguments, "-o", path, cache=cache)
    assert json.loads(path.read_text()) == json.loads((folder / "plan.json").read_text())


def test_a_published_image_without_a_proof_is_tried_as_it_lies_there(plain, cache, tmp_path):
    folder, report = plain
    plan = json.loads((folder / "plan.json").read_text())
    plan["steps"][0]["proof"] = None
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(plan))
    again = result(*words(folder, "--plan", path), cache=cache)
    (step,) = again["steps"]
    assert (step["trial"]["outcome"], step["trial"]["tries"]) == ("passed", 1)
    assert step["reference"] == report["steps"][0]["reference"]
    assert again["totals"]["traffic"]["pushed_bytes"] == 0


def test_without_a_run_doubts_keep_and_with_one_the_trial_tells(tmp_path, cache):
    folder = make(tmp_path, hidden=HIDDEN)
    (kept,) = result(*words(folder), cache=cache)["steps"]
    assert held(kept) == {p.partition("==")[0] for p in PACKAGES}
    (ran,) = result(*words(folder, "--run"), cache=cache)["steps"]
    assert held(ran) == {"markupsafe"}
    assert list(ran["trial"]["put_back"]) == ["markupsafe"]
    assert "markupsafe" in ran["trial"]["put_back"]["markupsafe"]
    assert (ran["trial"]["outcome"], ran["trial"]["level"]) == ("passed", "run")


def test_what_no_failure_names_is_found_by_search(tmp_path, cache):
    folder = make(tmp_path, "[trial]\nrun = true\n", silent=SILENT)
    plan = ("--plan", folder / "plan.json")
    report = result(*words(folder, "--tries", "20", *plan), cache=cache)
    (step,) = report["steps"]
    assert held(step) == {"six", "markupsafe", "idna"}
    assert set(step["trial"]["put_back"]) == {"markupsafe", "idna"}
    (planned,) = json.loads((folder / "plan.json").read_text())["steps"]
    assert {"six", "markupsafe", "idna"} <= {
        one["name"] for one in planned["images"][0]["compiled"]
    }
    codes = {f["name"]: f["code"] for f in report["findings"]}
    assert codes == {"six": "KS101", "markupsafe": "KS107", "idna": "KS107", "certifi": "KS201"}


def test_where_tries_are_used_up_all_is_put_back(tmp_path, cache):
    body = SILENT.replace("silent", "hasty")
    folder = make(tmp_path, "[trial]\nrun = true\n", hasty=body)
    (step,) = result(*words(folder, "--tries", "1"), cache=cache)["steps"]
    assert held(step) == {p.partition("==")[0] for p in PACKAGES}
    assert (step["trial"]["outcome"], list(step["trial"]["put_back"])) == ("passed", ["*"])
    assert any("shipped with all it declares" in note for note in step["notes"])


def test_a_step_that_fails_anyway_stops_everything_unless_it_is_allowed(tmp_path, cache):
    bodies = {
        "broken": "def broken():\n    raise RuntimeError('no data today')\n",
        "sound": "def sound():\n    import six\n",
    }
    folder = make(tmp_path, "[trial]\nrun = true\n", **bodies)
    done = run(*words(folder), cache=cache)
    check_refused(done, 1, "no data today")
    assert "--allow-untried broken" in done.stderr
    assert not (folder / "slim.yaml").exists() and not (folder / "images").exists()
    report = by_name(result(*words(folder, "--allow-untried", "broken"), cache=cache))
    assert held(report["broken"]) == {p.partition("==")[0] for p in PACKAGES}
    assert report["broken"]["trial"]["outcome"] == "failed"
    assert report["sound"]["trial"]["outcome"] == "passed"
    store = open_store(f"oci:{folder}/images")
    labels = {n: store.read(r["reference"].rpartition("@")[2]).labels for n, r in report.items()}
    assert labels["broken"][LABEL_TRIAL] == "skipped"
    assert LABEL_TRIAL not in labels["sound"]


def test_without_a_trial_the_image_says_so(tmp_path, cache):
    folder = make(tmp_path, untried="def untried():\n    import six\n")
    (step,) = result(*words(folder, "--no-trial"), cache=cache)["steps"]
    store = open_store(f"oci:{folder}/images")
    assert store.read(step["reference"].rpartition("@")[2]).labels[LABEL_TRIAL] == "skipped"


def test_a_machine_without_a_runner_is_told_before_anything_is_built(tmp_path, cache):
    folder = make(tmp_path, other="def other():\n    import idna\n")
    nobody = {"DOCKER_HOST": f"unix://{tmp_path}/nobody.sock"}
    done = run(*words(folder, "--runner", "engine"), cache=cache, **nobody)
    check_refused(done, 3, "no trial can run here")
    assert "--no-trial" in done.stderr
    assert not (folder / "images").exists() and not (folder / "slim.yaml").exists()


def test_cuda_libraries_go_where_a_run_does_without_them(tmp_path, cache):
    index = Index(tmp_path / "index")
    index.wheel("boost", requires=("nvidia-nccl-cu12",))
    index.wheel("nvidia_nccl_cu12", files={"nvidia/nccl/lib/libnccl.so.2": b"CUDA" * 1000})
    (tmp_path / "pipeline.yaml").write_text(
        make_pipeline({"plain": ["boost"]}, plain="def plain():\n    import boost\n")
    )
    with served(index) as url:
        config = f'indexes.local = "{url}"\nsteps.plain.indexes = ["local"]\n'
        (tmp_path / "kfslim.toml").write_text(config)
        (kept,) = result(*words(tmp_path), cache=cache)["steps"]
        assert kept["gone"] == []  # a start proves nothing about what the step does
        (ran,) = result(*words(tmp_path, "--run"), cache=cache)["steps"]
    (gone,) = ran["gone"]
    assert (gone["name"], gone["code"], gone["requirement"]) == ("nvidia-nccl-cu12", "KS402", "")
    assert gone["why"] == "CUDA of boost, and the step asks for no accelerator"


def test_a_run_cuts_what_it_never_touched_where_that_is_asked_for(tmp_path, cache):
    body = "def lone():\n    import idna\n    idna.encode('ä.de')\n"
    folder = make(tmp_path, "[trial]\nrun = true\n", lone=body)
    plan = folder / "plan.json"
    result(*words(folder, "--prune", "trace", "--plan", plan), cache=cache)
    (step,) = json.loads(plan.read_text())["steps"]
    (cut,) = step["images"][0]["cut"]
    assert cut["name"] == "idna"
    assert "idna/codec.py" in cut["paths"] and "idna/core.py" not in cut["paths"]
    assert step["proof"]["level"] == "run"


def test_a_plan_that_lost_a_distribution_by_hand_is_caught(plain, cache, tmp_path):
    folder, _ = plain
    plan = json.loads((folder / "plan.json").read_text())
    image = plan["steps"][0]["images"][0]
    image["lock"]["distributions"] = []
    image["layers"] = []
    image["compiled"] = [one for one in image["compiled"] if one["name"] != "six"]
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(plan))
    arguments = ("trial", folder / "pipeline.yaml", "--no-before", "--base", "deb:bookworm")
    good = result(*arguments, "--plan", folder / "plan.json", cache=cache)
    assert good["steps"][0]["trial"]["outcome"] == "passed"
    done = run(*arguments, "--plan", path, "--quiet", cache=cache)
    check_refused(done, 1, "six")
