"""Same plan, same digest: from cold caches, in other places, whatever happens to other steps."""

import json
import shutil

import pytest
from parts.check_image import check_image
from parts.command import make_pipeline, result, shared_cache

from kfslim.oci import open_store

pytestmark = pytest.mark.network

STEPS = {"one": ["six==1.16.0"], "two": ["certifi==2025.8.3", "markupsafe==3.0.2"]}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return shared_cache(tmp_path_factory)


@pytest.fixture(scope="module")
def planned(tmp_path_factory, cache):
    folder = tmp_path_factory.mktemp("planned")
    return folder / "plan.json", plan(folder, STEPS, cache)


def plan(folder, steps, cache, *more):
    (folder / "pipeline.yaml").write_text(make_pipeline(steps))
    words = (
        "plan",
        folder / "pipeline.yaml",
        "--no-before",
        "--no-audit",
        "--base",
        "deb:bookworm",
    )
    return result(*words, "-o", folder / "plan.json", *more, cache=cache)


def build(path, to, cache):
    built = result("build", path, "--to", to, cache=cache)
    return {step["name"]: step["reference"].rpartition("@")[2] for step in built["steps"]}


def test_two_cold_caches_in_two_places(planned, tmp_path, cache):
    made = []
    for name in ("here", "there/below"):
        place = tmp_path / name
        place.mkdir(parents=True)
        path = shutil.copy(planned[0], place / "p.json")
        made.append(build(path, f"oci:{place}/images", place / "cache"))
        store = open_store(f"oci:{place}/images")
        for tag in store.tags():
            check_image(store, store.read(tag), ours=True)
    assert made[0] == made[1]
    warm = build(planned[0], f"oci:{tmp_path}/warm", cache)
    assert warm == made[0]
    blobs = [
        sorted((tmp_path / n / "images/blobs/sha256").iterdir()) for n in ("here", "there/below")
    ]
    assert [p.name for p in blobs[0]] == [p.name for p in blobs[1]]


def test_planning_again_changes_nothing(planned, tmp_path, cache):
    fresh = plan(tmp_path, STEPS, cache)
    assert fresh == planned[1]
    kept = plan(tmp_path, STEPS, cache)  # now with its own plan to keep to
    assert kept == fresh


def test_the_plan_names_no_place_and_no_time(planned):
    text = planned[0].read_text()
    assert "://" not in text
    assert str(planned[0].parent) not in text
    for year in ("2026", "2027"):
        assert f'"{year}-' not in text


@pytest.fixture(scope="module")
def digests(planned, cache, tmp_path_factory):
    return build(planned[0], f"oci:{tmp_path_factory.mktemp('whole')}/images", cache)


def test_a_change_in_one_step_changes_no_other(planned, digests, cache, tmp_path):
    changed = plan(tmp_path, {**STEPS, "one": ["six==1.17.0"], "three": ["idna==3.10"]}, cache)
    before = {step["name"]: step for step in planned[1]["steps"]}
    after = {step["name"]: step for step in changed["steps"]}
    assert after["two"] == before["two"]
    assert after["one"] != before["one"]
    again = build(tmp_path / "plan.json", f"oci:{tmp_path}/images", cache)
    assert again["two"] == digests["two"]
    assert again["one"] != digests["one"]


def test_one_step_alone_is_the_same_image(digests, cache, tmp_path):
    plan(tmp_path, {"two": STEPS["two"]}, cache)
    assert build(tmp_path / "plan.json", f"oci:{tmp_path}/images", cache) == {"two": digests["two"]}


def test_the_order_of_declaring_does_not_matter(digests, cache, tmp_path):
    plan(tmp_path, {"two": STEPS["two"][::-1], "one": STEPS["one"]}, cache)
    assert build(tmp_path / "plan.json", f"oci:{tmp_path}/images", cache) == digests


def test_an_upgrade_is_asked_for(cache, tmp_path):
    """A plan keeps its versions until the user wants newer ones."""

    def versions(*more):
        made = plan(tmp_path, {"one": ["idna"], "two": ["six"]}, cache, *more)
        return {d["name"]: d["version"] for step in made["steps"]
                for d in step["images"][0]["lock"]["distributions"]}  # fmt: skip

    newest = versions()
    older = json.loads((tmp_path / "plan.json").read_text())
    pinned = plan(tmp_path, {"one": ["idna==3.7"], "two": ["six==1.16.0"]}, cache)
    for step, old in zip(older["steps"], pinned["steps"], strict=True):
        lock = step["images"][0]["lock"]
        lock["distributions"] = old["images"][0]["lock"]["distributions"]
    (tmp_path / "plan.json").write_text(json.dumps(older))
    assert versions() == {"idna": "3.7", "six": "1.16.0"}
    assert versions("--upgrade", "IDNA") == {"idna": newest["idna"], "six": "1.16.0"}
    assert versions("--upgrade", "all") == newest


def test_another_codec_takes_another_base_even_beside_an_earlier_plan(tmp_path, cache):
    first = plan(tmp_path, {"one": ["six==1.16.0"]}, cache)
    again = plan(tmp_path, {"one": ["six==1.16.0"]}, cache, "--codec", "zstd")
    bases = [made["steps"][0]["images"][0]["base"] for made in (first, again)]
    assert bases[0]["packages"] == bases[1]["packages"]
    assert bases[0]["digest"] != bases[1]["digest"]
