"""One run for two platforms: an index of two images, each right for its own."""

import json
import re
import subprocess

import pytest
from parts.check_image import check_image
from parts.command import AS_DECLARED, make_pipeline, result, shared_cache

from kfslim.measure.image import measure
from kfslim.oci import Index, Platform, open_store
from kfslim.oci.extract import read_files

pytestmark = pytest.mark.network

PLATFORMS = ("linux/amd64", "linux/arm64")
MACHINES = {"linux/amd64": 62, "linux/arm64": 183}  # e_machine of ELF


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The report, and the folder with images and plan."""
    folder = tmp_path_factory.mktemp("two")
    steps = {"mixed": ["markupsafe==3.0.2", "six==1.16.0"]}
    (folder / "pipeline.yaml").write_text(make_pipeline(steps))
    words = (
        "slim",
        folder / "pipeline.yaml",
        "--no-before",
        *AS_DECLARED,
        "--base",
        "deb:bookworm",
    )
    both = [word for platform in PLATFORMS for word in ("--platform", platform)]
    places = ("--to", f"oci:{folder}/images", "-o", folder / "slim.yaml")
    cache = shared_cache(tmp_path_factory)
    report = result(*words, *both, *places, "--plan", folder / "plan.json", cache=cache)
    return report, folder


@pytest.fixture(scope="module")
def index(made):
    store = open_store(f"oci:{made[1]}/images")
    tag = next(tag for tag in store.tags() if tag.startswith("mixed-"))
    found = store.read_index(tag)
    assert isinstance(found, Index)
    return found


@pytest.fixture(scope="module")
def images(made, index):
    store = open_store(f"oci:{made[1]}/images")
    return {p: store.read(index.digest, Platform.parse(p)) for p in PLATFORMS}


def test_the_pipeline_is_pinned_to_the_index(made, index):
    (step,) = made[0]["steps"]
    assert step["reference"].endswith(f"@{index.digest}")
    assert f"@{index.digest}" in (made[1] / "slim.yaml").read_text()


def test_the_index_is_sound(made, index):
    assert [str(d.platform) for d in index.manifests] == list(PLATFORMS)
    check_image(open_store(f"oci:{made[1]}/images"), index, ours=True)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_image_is_of_its_platform(images, platform):
    image = images[platform]
    assert str(image.platform) == platform
    files = read_files(image, lambda path, *_: path.endswith(".so") or path == "usr/bin/python3.11")
    assert any("markupsafe" in path for path in files)
    assert "usr/bin/python3.11" in files
    for path, data in files.items():
        if data.startswith(b"\x7fELF"):
            assert int.from_bytes(data[18:20], "little") == MACHINES[platform], path


@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_label_says_what_measuring_says(images, platform):
    told = measure(images[platform], "").model_dump(exclude={"bytes_read"})
    assert told == measure(images[platform], "", full=True).model_dump(exclude={"bytes_read"})
    names = {d["name"]: d["version"] for d in told["distributions"]}
    assert names["markupsafe"] == "3.0.2"
    assert {"libc6", "python3.11-minimal"} <= {p["name"] for p in told["os_packages"]}


def test_bytecode_is_there_where_the_interpreter_runs(made, images):
    (step,) = json.loads((made[1] / "plan.json").read_text())["steps"]
    chosen = {image["base"]["platform"]: image["bytecode"] for image in step["images"]}
    for platform, image in images.items():
        ours = read_files(image, lambda path, *_: bool(re.match(r"opt/kfslim/.*\.pyc$", path)))
        assert bool(ours) == (chosen[platform] == "all")
    assert "all" in chosen.values() or "none" in chosen.values()


def test_skopeo_takes_both(made, index, skopeo, tmp_path):
    tag = next(t for t in open_store(f"oci:{made[1]}/images").tags() if t.startswith("mixed-"))
    source = f"oci:{made[1]}/images:{tag}"
    line = [skopeo, "copy", "--all", "--preserve-digests", source, f"oci:{tmp_path}/copy:x"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert open_store(f"oci:{tmp_path}/copy").read_index("x").digest == index.digest
