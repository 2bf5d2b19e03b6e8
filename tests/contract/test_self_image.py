"""kfslim's own image by its own means, pushed to a real registry and judged by others."""

from __future__ import annotations

import json
import subprocess

import pytest
from parts.check_image import check_image
from parts.command import run

from kfslim import __version__
from kfslim.oci import open_store

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def made(registry, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    to = registry.reference("self/kfslim")
    done = run("self-image", "--to", to, "--json", cache=cache)
    assert done.returncode == 0, done.stderr
    return cache, to, json.loads(done.stdout)


def test_it_runs_kfslim_as_nobody_in_particular(made):
    _, to, told = made
    store = open_store(to)
    image = store.read(__version__)
    check_image(store, image, ours=True)
    assert told["reference"].endswith(image.digest)
    assert told["name"].endswith(f"self/kfslim:{__version__}")
    assert image.runtime["User"] == "65532:65532"
    assert "Entrypoint" not in image.runtime
    assert image.runtime["Cmd"] == ["kfslim", "--help"]
    assert image.env["PATH"].startswith("/opt/kfslim/bin:")
    store.close()


def test_it_holds_the_versions_that_run_here(made):
    from importlib.metadata import version

    cache, to, told = made
    done = run("measure", f"{to}:{__version__}", "--json", "--full", cache=cache)
    measured = json.loads(done.stdout)
    held = {d["name"]: d["version"] for d in measured["distributions"]}
    for name in ("kfslim", "kfp", "kfp-kubernetes", "pydantic", "uv", "requests"):
        assert held[name] == version(name)
    assert "pytest" not in held
    assert measured["content_bytes"] == told["content_bytes"] < 150_000_000


def test_a_second_time_moves_nothing(made):
    cache, to, told = made
    again = json.loads(run("self-image", "--to", to, "--json", cache=cache).stdout)
    assert again == {**told, "pushed_bytes": 0}


def test_skopeo_takes_it(made, skopeo):
    _, to, told = made
    done = subprocess.run(
        [skopeo, "inspect", "--tls-verify=false", f"{to}:{__version__}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["Digest"] in told["reference"]


@pytest.mark.parametrize(
    "to", ["docker-archive:x.tar", "deb:bookworm", "docker://a/b@sha256:" + "0" * 64]
)
def test_where_it_cannot_go(to, tmp_path):
    done = run("self-image", "--to", to, cache=tmp_path)
    assert done.returncode == 2
    assert "the image goes to" in done.stderr
