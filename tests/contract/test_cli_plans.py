"""Plans that were edited by hand: refused with a sentence, before anything is visible."""

import json
import shutil

import pytest
from parts.command import check_refused
from parts.toy import Toy


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    world = Toy.make(tmp_path_factory.mktemp("toy"))
    assert world.here(*world.slim()).returncode == 0
    return world


def lock(plan):
    return image(plan)["lock"]["distributions"][0]


def image(plan):
    return plan["steps"][0]["images"][0]


def base(plan):
    return image(plan)["base"]


DEBIAN = {"name": "x", "version": "1", "architecture": "all", "sha256": "0" * 64}
EDITS = {
    "hash": (3, "no longer serves alpha-1.0", lambda p: lock(p).update(sha256="0" * 64)),
    "no-hash": (2, "hash of alpha is not 64", lambda p: lock(p).update(sha256="0" * 6)),
    "file": (2, "no file name of alpha", lambda p: lock(p).update(file="../../evil.whl")),
    "version": (2, "do not hold alpha 9.9", lambda p: lock(p).update(version="9.9")),
    "name": (2, "alpha, which is not in the lock", lambda p: lock(p).update(name="omega")),
    "base": (2, "is not there any more", lambda p: base(p).update(digest="sha256:" + "1" * 64)),
    "no-base": (2, "64 hex digits", lambda p: base(p).update(digest="latest")),
    "platform": (2, "no image for linux/arm64", lambda p: base(p).update(platform="linux/arm64")),
    "python": (2, "carries Python 3.11.2", lambda p: base(p)["python"].update(version="3.12.1")),
    "layer": (2, "omega, which is not", lambda p: image(p).update(layers=[{"names": ["omega"]}])),
    "twice": (2, "alpha lies in two", lambda p: image(p)["layers"].append({"names": ["alpha"]})),
    "no-layers": (2, "do not hold alpha 1.0", lambda p: image(p).update(layers=[])),
    "unknown": (2, "images.0.foo", lambda p: image(p).update(foo=1)),
    "schema": (2, "schema version 99", lambda p: p.update(schema_version=99)),
    "format": (2, "of format 99", lambda p: image(p).update(format=99)),
    "library": (2, "compressed by zlib 1", lambda p: image(p)["codec"].update(library="zlib 1")),
    "level": (2, "no level 77", lambda p: image(p)["codec"].update(level=77)),
    "prune": (2, "no prune rule", lambda p: image(p).update(prune=["all"])),
    "place": (2, "no absolute path", lambda p: image(p).update(environment="/../etc")),
    "bytecode": (2, "names no interpreter", lambda p: image(p).update(bytecode="all")),
    "tag": (2, "part of an image's tag", lambda p: p["steps"][0].update(name="a/b:c")),
    "names": (2, "two steps called", lambda p: p["steps"][1].update(name="one")),
    "no-image": (2, "holds no image", lambda p: p["steps"][0].update(images=[])),
    "project": (2, "does not exist", lambda p: image(p).update(
        projects=[{"name": "../../gone", "tree_sha256": "0" * 64}])),
    "debian": (2, "no dpkg database", lambda p: image(p).update(
        os_packages=[{**DEBIAN, "content_bytes": 1}])),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_plan_is_refused(toy, edit):
    code, says, change = EDITS[edit]
    plan = json.loads(toy.plan.read_text())
    change(plan)
    edited, layout = toy.folder / "edited.json", toy.folder / "built"
    edited.write_text(json.dumps(plan))
    cold = toy.folder / "cold"  # what the cache holds would hide a wrong hash
    done = toy.here("build", edited, "--to", f"oci:{layout}", "--cache-dir", cold)
    check_refused(done, code, says)
    assert not (layout / "index.json").exists()
    shutil.rmtree(layout, ignore_errors=True)
    shutil.rmtree(cold, ignore_errors=True)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "steps: []", '{"pipeline": "x", "a": 1}'])
def test_what_is_no_plan(toy, text):
    path = toy.folder / "no-plan.json"
    path.write_text(text)
    layout = toy.folder / "never"
    check_refused(toy.here("build", path, "--to", f"oci:{layout}"), 2, "is not a Plan")
    check_refused(toy.here("prune", toy.images, "--keep", path), 2, "is not a Plan")
    again = toy.here(
        "plan", toy.pipeline, "--no-before", "--no-audit", "--python", "3.11", "-o", path
    )
    check_refused(again, 2, "is not a Plan")  # a file that is no plan is not overwritten
    assert path.read_text() == text
    assert not layout.exists()
