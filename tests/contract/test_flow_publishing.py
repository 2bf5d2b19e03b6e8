"""Images on their way: from a layout into a registry, unchanged ones not at all, old ones away."""

import subprocess

import pytest
from parts.check_image import check_image
from parts.toy import Toy

from kfslim.oci import Image, Index, open_store


@pytest.fixture
def toy(tmp_path):
    return Toy.make(tmp_path / "toy")


def digests(report):
    return [step["reference"].rpartition("@")[2] for step in report["steps"]]


def requests_of(registry, work):
    before = len(registry.requests())
    value = work()
    return value, registry.requests()[before:]


def test_a_layout_moves_into_a_registry_unchanged(toy, registry, skopeo):
    nodes = "registry.example.com/ml/moved"
    made = toy.result(*toy.slim("", "--pull-from", nodes))
    target = registry.reference("ml/moved")
    moved = toy.result("publish", toy.images, "--to", target)
    assert {image["reference"].rpartition("@")[2] for image in moved["images"]} == set(
        digests(made)
    )
    assert sum(image["pushed_bytes"] for image in moved["images"]) > 0
    store = open_store(target)
    for image in moved["images"]:
        check_image(store, store.read(image["tag"]), ours=True)
        line = [skopeo, "inspect", "--tls-verify=false", f"{target}:{image['tag']}"]
        assert subprocess.run(line, capture_output=True, check=False).returncode == 0
    assert all(f"image: {nodes}@{digest}" in toy.output.read_text() for digest in digests(made))
    again = toy.result("publish", toy.images, "--to", target)
    assert sum(image["pushed_bytes"] for image in again["images"]) == 0
    assert again["images"][0]["reference"] == moved["images"][0]["reference"]


def test_one_tag_moves_alone(toy, registry):
    toy.result(*toy.slim())
    tag = next(tag for tag in open_store(toy.images).tags() if tag.startswith("one-"))
    target = registry.reference("ml/alone")
    toy.result("publish", f"{toy.images}:{tag}", "--to", target)
    assert open_store(target).tags() == [tag]


def test_an_unchanged_step_costs_one_request(toy, registry):
    target = registry.reference("ml/unchanged")
    first = toy.result(*toy.slim(target))
    built, asked = requests_of(registry, lambda: toy.result("build", toy.plan, "--to", target))
    assert digests(built) == digests(first)
    assert sorted(line.split()[0] for line in asked) == ["GET", "HEAD", "HEAD"]
    assert "GET /v2/" in asked  # a greeting, once in a run
    slimmed, asked = requests_of(registry, lambda: toy.result(*toy.slim(target)))
    assert slimmed["totals"]["traffic"]["pushed_bytes"] == 0
    assert [line for line in asked if not line.startswith("HEAD ")] == ["GET /v2/"]


def test_only_the_changed_step_is_pushed(toy, registry):
    target = registry.reference("ml/changed")
    first = toy.result(*toy.slim(target))
    config = toy.folder / "kfslim.toml"
    config.write_text(config.read_text().replace('"beta"', '"beta", "delta"'))
    toy.index.wheel("delta", "1.0")
    second, asked = requests_of(registry, lambda: toy.result(*toy.slim(target)))
    assert digests(second)[0] == digests(first)[0]
    assert digests(second)[1] != digests(first)[1]
    manifests = [line for line in asked if line.startswith("PUT ") and "/manifests/" in line]
    assert all("two-" in line or "sha256:" in line for line in manifests)


def test_pruning_keeps_what_a_plan_names_and_what_is_not_ours(toy, registry):
    target = registry.reference("ml/pruned")
    toy.result(*toy.slim(target))
    old = set(open_store(target).tags())
    config = toy.folder / "kfslim.toml"
    config.write_text(config.read_text().replace('"beta"', '"gamma"'))
    toy.result(*toy.slim(target))
    store = open_store(target)
    new = set(store.tags()) - old
    (stale,) = (tag for tag in old if tag.startswith("two-"))
    base = open_store(f"oci:{toy.folder}/base").read("toy")
    store.write(base, "v1.0")
    store.write(base, "nightly-202611241200")
    words = ("prune", target, "--keep", toy.plan)
    said = toy.here(*words, "--dry-run")
    assert f"would remove {stale}" in said.stdout
    assert set(store.tags()) == old | new | {"v1.0", "nightly-202611241200"}
    done = toy.result(*words)
    assert done["removed"] == [stale]
    assert done["kept"] == dict.fromkeys(("v1.0", "nightly-202611241200"), "kfslim did not make it")
    assert set(store.tags()) == (old - {stale}) | new | {"v1.0", "nightly-202611241200"}
    assert "nothing to remove" in toy.here(*words).stdout


def test_somebody_elses_image_under_our_tag_is_replaced(toy, registry):
    target = registry.reference("ml/squatted")
    made = toy.result(*toy.slim())
    tags = {tag.rpartition("-")[0]: tag for tag in open_store(toy.images).tags()}
    store = open_store(target)
    store.write(open_store(f"oci:{toy.folder}/base").read("toy"), tags["one"])
    again = toy.result(*toy.slim(target))
    assert digests(again) == digests(made)
    found = store.read(tags["one"])
    assert isinstance(found, Image) and not isinstance(found, Index)
    assert found.digest == digests(made)[0]
