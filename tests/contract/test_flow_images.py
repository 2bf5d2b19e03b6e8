"""What a run builds: every kind of image is sound, and its label says what a measurement would."""

import json
import re

import pytest
from parts.check_image import check_image
from parts.command import AS_DECLARED, make_pipeline, result, run, shared_cache

from kfslim.measure.image import measure
from kfslim.oci import open_store

pytestmark = pytest.mark.network

STEPS = {
    "plain": ["six==1.16.0"],
    "native": ["markupsafe==3.0.2", "certifi==2025.8.3"],
    "system": ["six==1.16.0"],
    "project": ["six==1.16.0"],
    "sources": ["six==1.16.0"],
    "bare": ["markupsafe==3.0.2"],
    "kept": ["markupsafe==3.0.2"],
    "nothing": [],
    "skipped": ["six==1.16.0"],
}
CONFIG = """\
[steps.system]
os_packages = ["libyaml-0-2"]
[steps.project]
projects = ["lib"]
[steps.sources]
projects = ["src"]
[steps.bare]
bytecode = "none"
[steps.kept]
keep = {caches = ["*"], sources = ["MarkupSafe"], stubs = ["MarkupSafe"]}
[steps.skipped]
skip = true
"""
PACKAGE = '[project]\nname = "mylib"\nversion = "1.5"\n[build-system]\nrequires = ["setuptools"]\n'
SAME = {
    "content_bytes", "disk_bytes", "unowned_bytes", "layers", "distributions", "os_packages",
    "os_release", "waste", "python", "unowned_modules",
}  # fmt: skip


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return shared_cache(tmp_path_factory)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("world")
    files = {
        "pipeline.yaml": make_pipeline(STEPS),
        "kfslim.toml": CONFIG,
        "lib/pyproject.toml": PACKAGE,
        "lib/mylib/__init__.py": "import six\nANSWER = 42\n",
        "src/tools/__init__.py": "",
        "src/tools/clean.py": "def clean():\n    return 1\n",
        "src/.env": "PASSWORD=open-sesame\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def slim(folder, cache, *more, to="images"):
    words = (
        "slim",
        folder / "pipeline.yaml",
        "--no-before",
        *AS_DECLARED,
        "--base",
        "deb:bookworm",
    )
    places = ("--to", f"oci:{folder}/{to}", "-o", folder / f"{to}.yaml")
    return result(*words, *places, "--plan", folder / f"{to}.json", *more, cache=cache)


@pytest.fixture(scope="module")
def report(folder, cache):
    return slim(folder, cache)


@pytest.fixture(scope="module")
def images(folder, report):
    """Step name → its image."""
    store = open_store(f"oci:{folder}/images")
    return {tag.rpartition("-")[0]: store.read(tag) for tag in store.tags()}


BUILT = [name for name in STEPS if name != "skipped"]


@pytest.mark.parametrize("name", BUILT)
def test_the_image_is_sound(images, folder, name):
    check_image(open_store(f"oci:{folder}/images"), images[name], ours=True)


@pytest.mark.parametrize("name", [*BUILT, "base-bookworm"])
def test_its_label_says_what_measuring_all_of_it_says(images, name):
    told = measure(images[name], "").model_dump()
    full = measure(images[name], "", full=True).model_dump()
    for key in sorted(SAME):
        assert told[key] == full[key], key
    if name in BUILT:
        assert told["bytes_read"] <= 100_000 < full["bytes_read"]


def test_the_report_says_the_same(images, report):
    for step in report["steps"]:
        full = measure(images[step["name"]], "", full=True)
        assert step["content_bytes"] == full.content_bytes
        assert step["disk_bytes"] == full.disk_bytes
        assert {d["name"]: d["disk_bytes"] for d in step["distributions"]} == {
            d.name: d.disk_bytes for d in full.distributions
        }


def paths(image) -> set[str]:
    from kfslim.oci.extract import final_tree

    return {path for path, _ in final_tree(image).files()}


def names(image) -> set[str]:
    return {d.name for d in measure(image, "").distributions}


def test_each_step_has_what_it_declared(images):
    assert names(images["plain"]) == {"kfp", "six"}
    assert names(images["native"]) == {"certifi", "kfp", "markupsafe"}
    assert names(images["nothing"]) == {"kfp"}
    assert names(images["project"]) == {"kfp", "six"}
    assert "mylib" in measure(images["project"], "").unowned_modules
    assert "tools" in measure(images["sources"], "").unowned_modules


def test_os_packages_are_there_for_scanners(images):
    added = {p.name for p in measure(images["system"], "").os_packages}
    before = {p.name for p in measure(images["plain"], "").os_packages}
    assert "libyaml-0-2" in added - before


def test_a_skipped_step_stays_as_it_was(report, folder):
    (left,) = report["left_alone"]
    assert (left["step"], left["reason"]) == ("skipped", "the config says skip")
    text = (folder / "images.yaml").read_text()
    assert "image: python:3.11\n" in text
    assert len(re.findall(r"image: localhost/images@sha256:", text)) == len(BUILT)


def test_no_secret_file_is_in_any_image(folder, images):
    for path in (folder / "images").rglob("*"):
        assert not path.is_file() or b"open-sesame" not in path.read_bytes()


def test_unchanged_steps_share_their_layers(images):
    plain, system = (
        [layer.descriptor.digest for layer in images[name].layers] for name in ("plain", "system")
    )
    assert len(system) == len(plain) + 1
    assert set(plain) < set(system)


def test_zstd(folder, cache, report, images):
    slim(folder, cache, "--codec", "zstd", to="zstd")
    store = open_store(f"oci:{folder}/zstd")
    for tag in store.tags():
        image = store.read(tag)
        check_image(store, image, ours=True)
        assert all(layer.descriptor.media_type.endswith("+zstd") for layer in image.layers)
        twin = images[tag.rpartition("-")[0]]
        assert [layer.diff_id for layer in image.layers] == [layer.diff_id for layer in twin.layers]


def test_without_bytecode(folder, cache, report, images):
    slim(folder, cache, "--bytecode", "none", to="none")
    store = open_store(f"oci:{folder}/none")
    for tag in (tag for tag in store.tags() if not tag.startswith("base-")):
        ours = {p for p in paths(store.read(tag)) if p.startswith("opt/kfslim")}
        assert not [path for path in ours if path.endswith(".pyc")]
    assert [p for p in paths(images["native"]) if re.match(r"opt/kfslim/.*markupsafe.*\.pyc$", p)]
    assert not [p for p in paths(images["bare"]) if re.match(r"opt/kfslim/.*\.pyc$", p)]


def test_what_is_spared_stays(images):
    def markupsafe(name):
        return {p for p in paths(images[name]) if re.search(r"/markupsafe/_speedups\.(c|pyi)$", p)}

    assert len(markupsafe("kept")) == 2
    assert not markupsafe("native")


def test_a_base_of_ones_own_for_one_step(folder, cache, report, images):
    """Here the base that kfslim assembled before: read like anybody's image."""
    store = open_store(f"oci:{folder}/images")
    tag = next(tag for tag in store.tags() if tag.startswith("base-"))
    config = folder / "own.toml"
    config.write_text(f'[steps.plain]\nbase = "oci:{folder}/images:{tag}"\n')
    words = ("slim", folder / "pipeline.yaml", "--no-before", *AS_DECLARED, "--config", config)
    made = result(*words, "--to", f"oci:{folder}/own", "-o", folder / "own.yaml", cache=cache)
    bases = {step["name"]: step["base"] for step in made["steps"]}
    assert bases["plain"] == f"oci:{folder}/images:{tag}"
    assert bases["native"] == "deb:bookworm"
    own = open_store(f"oci:{folder}/own")
    plain = own.read(next(tag for tag in own.tags() if tag.startswith("plain-")))
    check_image(own, plain, ours=True)
    assert [layer.descriptor.digest for layer in plain.layers] == [
        layer.descriptor.digest for layer in images["plain"].layers
    ]


def test_another_python(folder, cache):
    """Asked for by the user, on a suite that carries it."""
    words = ("slim", folder / "pipeline.yaml", "--no-before", *AS_DECLARED, "--python", "3.13")
    places = ("--to", f"oci:{folder}/newer", "-o", folder / "newer.yaml", "--json")
    done = run(*words, *places, cache=cache)
    if "knows no mirror for Debian" in done.stderr:
        pytest.skip("this machine's apt has no mirror for Debian trixie")
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert {step["base"] for step in made["steps"]} == {"deb:trixie"}
    assert all(step["python"].startswith("3.13.") for step in made["steps"])
    store = open_store(f"oci:{folder}/newer")
    for tag in store.tags():
        check_image(store, store.read(tag), ours=True)
