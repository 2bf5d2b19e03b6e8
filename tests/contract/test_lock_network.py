"""The real uv against the machine's real package index."""

from __future__ import annotations

import time

import pytest
from parts.need import missing

from kfslim.cache import Cache
from kfslim.errors import FetchError, Unsupported
from kfslim.lock.executor import executor
from kfslim.lock.install import install
from kfslim.lock.resolve import resolve
from kfslim.lock.uv import Uv
from kfslim.oci.image import Platform

pytestmark = pytest.mark.network
AMD = Platform()
TARGET = {"python": "3.11", "platform": AMD}


@pytest.fixture(scope="module")
def uv(tmp_path_factory):
    one = Uv(Cache(tmp_path_factory.mktemp("cache")))
    try:
        resolve(one, ["six"], python="3.11", platform=AMD)
    except FetchError as error:
        missing(f"no package index: {error.message}")
    return one


# A heavy list after the seed's: its 3 GB come from torch and CUDA.
HEAVY = ["scikit-learn", "pandas", "pyarrow", "boto3", "mlflow", "torch", "kubernetes"]


def test_a_heavy_list_is_priced_in_seconds_and_nothing_is_downloaded(uv):
    began = time.monotonic()
    lock = resolve(uv, HEAVY, python="3.11", platform=AMD)
    assert time.monotonic() - began < 60
    assert sum(one.content_bytes for one in lock.distributions) > 500_000_000
    assert all(one.content_bytes > 0 and len(one.sha256) == 64 for one in lock.distributions)
    held = sum(f.stat().st_size for f in uv.cache.root.rglob("*") if f.is_file())
    assert held < 200_000_000


def test_both_platforms_from_this_host(uv):
    locks = [
        resolve(uv, ["numpy"], python="3.12", platform=Platform("linux", machine))
        for machine in ("amd64", "arm64")
    ]
    amd, arm = (lock.distributions[0] for lock in locks)
    assert amd.version == arm.version
    assert "cp312-cp312-manylinux" in amd.file
    assert amd.file.endswith("x86_64.whl")
    assert arm.file.endswith("aarch64.whl")


def test_a_package_that_needs_a_compiler_is_refused(uv):
    with pytest.raises(Unsupported, match="python-ldap"):
        resolve(uv, ["python-ldap==3.4.4"], python="3.11", platform=AMD)


@pytest.mark.parametrize(
    ("version", "kind", "modules"),
    [
        ("2.9.0", "sdist", 11),
        ("2.14.3", "wheel", 12),
        ("2.15.2", "wheel", 15),
        ("2.17.0", "wheel", 15),
    ],
)
def test_the_executor_is_a_few_modules(uv, tmp_path, version, kind, modules):
    found = executor(uv, version, python="3.11")
    assert found.kind == kind
    assert len([m for m in found.modules if m.endswith(".py")]) == modules
    assert "kfp/dsl/executor_main.py" in found.modules
    assert f"kfp-{version}.dist-info/METADATA" in found.modules
    (done,) = install(uv, [found], python="3.11", platform=AMD, folder=tmp_path)
    assert sum(file.size for file in done.files) < 300_000
    assert len(done.files) == len(found.modules) + 1  # and RECORD
    assert executor(uv, version, python="3.11") == found


def test_an_executor_that_needs_more_is_refused(uv):
    with pytest.raises(Unsupported, match=r"kfp-2\.0\.1\.tar\.gz does not run without"):
        executor(uv, "2.0.1", python="3.11")


def test_an_sdist_with_setuptools_is_the_same_from_two_cold_caches(uv, tmp_path):
    lock = resolve(uv, ["kfp-server-api==2.14.6"], python="3.11", platform=AMD, dependencies=False)
    (api,) = lock.distributions
    assert api.kind == "sdist"
    assert any(pin.startswith("setuptools==") for pin in api.build_requires)
    other = Uv(Cache(tmp_path / "cold"))
    assert (
        resolve(other, ["kfp-server-api==2.14.6"], python="3.11", platform=AMD, dependencies=False)
        == lock
    )
    install(other, [api], python="3.11", platform=AMD, folder=tmp_path / "out")  # checks the hash


def test_an_extra_that_needs_an_sdist_gets_it(uv):
    found = {one.name: one for one in resolve(uv, ["pandas[excel]"], **TARGET).distributions}
    plain = {one.name: one for one in resolve(uv, ["pandas"], **TARGET).distributions}
    assert found["pandas"] == plain["pandas"]
    assert found["odfpy"].kind == "sdist"
