"""Anatomies of what uv really installs: hand-made wheels for the odd cases, real ones for names."""

from __future__ import annotations

import os

import pytest
from parts.need import missing
from parts.wheels import Index

from kfslim.audit.graph import Environment
from kfslim.cache import Cache
from kfslim.errors import FetchError
from kfslim.lock.dissect import ROOM, anatomies, unread
from kfslim.lock.resolve import resolve
from kfslim.lock.uv import Uv
from kfslim.oci.image import Platform


class Counting(Uv):
    """uv that counts its starts."""

    starts = 0

    def try_run(self, *arguments, **more):
        self.starts += 1
        return super().try_run(*arguments, **more)


@pytest.fixture
def index(tmp_path):
    return Index(tmp_path / "index")


@pytest.fixture
def uv(tmp_path, index):
    settings = {**os.environ, "UV_DEFAULT_INDEX": index.url, "UV_NO_CONFIG": "1"}
    return Counting(Cache(tmp_path / "cache"), environ=settings)


def read(uv, *requirements, python="3.11"):
    lock = resolve(uv, requirements, python=python, platform=Platform())
    with uv.cache.scratch() as folder:
        return anatomies(
            uv,
            lock.distributions,
            python=python,
            platform=Platform(),
            folder=folder,
            cache=uv.cache,
        )


def test_modules_are_what_an_import_finds(uv, index):
    index.wheel(
        "odd",
        files={
            "odd/__init__.py": b"",
            "odd/fast.cpython-311-x86_64-linux-gnu.so": b"",
            "odd/stable.abi3.so": b"",
            "odd/data.json": b"{}",
            "odd/not-a-module.py": b"",
            "odd.libs/libblas.so": b"",
            "space/part/core.py": b"",
            "odd-1.0.data/purelib/single.py": b"",
            "odd-1.0.data/scripts/odd-tool": b"#!python\n",
            "odd.pth": b"# folders\nimport os\nextra/win\n",
            "extra/win/api.py": b"",
            "odd-1.0.dist-info/entry_points.txt": b"[console_scripts]\nodd = odd:main\n"
            b"[some.group]\nthing = odd.fast:Thing\n",
        },
        requires=("dep>=1", "more ; extra == 'x'"),
    )
    index.wheel("dep", "1.5")
    found = read(uv, "odd")
    odd = found["odd"]
    assert odd.modules == (
        *("api", "extra.win.api", "odd", "odd.fast", "odd.stable", "single"),
        "space.part.core",
    )
    assert odd.requires == ("dep>=1", "more ; extra == 'x'")
    assert odd.entry_points == ("console_scripts:odd=odd:main", "some.group:thing=odd.fast:Thing")
    assert odd.scripts == ("odd", "odd-tool")
    assert odd.content_bytes == (index.root / "odd-1.0-py3-none-any.whl").stat().st_size
    assert found["dep"].version == "1.5"


def test_a_second_reading_starts_no_uv_and_damage_is_read_again(uv, index):
    index.wheel("app", requires=("dep",))
    index.wheel("dep")
    lock = resolve(uv, ["app"], python="3.11", platform=Platform())

    def again():
        before = uv.starts
        with uv.cache.scratch() as folder:
            found = anatomies(
                uv,
                lock.distributions,
                python="3.11.2",
                platform=Platform(),
                folder=folder,
                cache=uv.cache,
            )
            touched = any(folder.iterdir())
        return found, uv.starts - before, touched

    first, starts, _ = again()
    assert starts
    assert again() == (first, 0, False)
    key = f"{lock.distributions[0].sha256}-3.11"
    uv.cache.put(ROOM, key, {"name": "app"})
    found, starts, _ = again()
    assert found == first
    assert starts
    bare = unread(lock.distributions[0])
    assert (bare.name, bare.modules, bare.disk_bytes) == ("app", (), 0)
    assert bare.content_bytes == first["app"].content_bytes


REAL = ["google-cloud-storage", "python-dateutil", "PyYAML", "beautifulsoup4", "attrs"]


@pytest.mark.network
def test_real_distributions_own_what_they_are_imported_by(tmp_path):
    uv = Uv(Cache(tmp_path / "cache"))
    try:
        found = read(uv, *REAL)
    except FetchError as error:
        missing(f"no package index: {error.message}")
    environment = Environment(found.values(), "3.11")
    owners = {
        "google.cloud.storage": "google-cloud-storage",
        "google.cloud.storage.Client": "google-cloud-storage",
        "google.api_core.exceptions": "google-api-core",
        "google.protobuf": "protobuf",
        "dateutil.parser": "python-dateutil",
        "yaml": "pyyaml",
        "bs4.BeautifulSoup": "beautifulsoup4",
        "attr": "attrs",
    }
    assert {module: set(environment.owners(module)) for module in owners} == {
        module: {name} for module, name in owners.items()
    }
    assert environment.is_namespace("google.cloud")
    assert environment.closure(["google-cloud-storage"]) >= {"google-auth", "requests", "urllib3"}
    assert "grpcio" not in environment.by_name
    assert all(one.disk_bytes > one.content_bytes / 2 > 0 for one in found.values())
