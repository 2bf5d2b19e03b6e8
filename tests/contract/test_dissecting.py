"""Heavy wheels are opened for a reason only: what is opened is downloaded."""

import os

import pytest
from parts.wheels import Index

from kfslim.audit.uses import SourceText, read_uses
from kfslim.cache import Cache
from kfslim.flow.context import Context
from kfslim.flow.dissecting import environment_of
from kfslim.lock.resolve import resolve
from kfslim.oci import Platform

BULK = os.urandom(200_000)
HEAVY = 100_000  # bytes of a wheel, here


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A lock of a light wheel and three heavy ones."""
    index = Index(tmp_path / "index")
    index.wheel("alpha", "1.0", {"alpha/__init__.py": b""}, requires=("torchlike",))
    index.wheel("torchlike", "2.0", {"torchlike/__init__.py": b"", "torchlike/bulk": BULK})
    index.wheel("oddname", "1.0", {"oddmodule.py": b"", "oddmodule_bulk": BULK})
    index.wheel("nvidia_fft", "1.0", {"nvidia/fft/__init__.py": b"", "nvidia/fft/bulk": BULK})
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
    with Context(Cache(tmp_path / "cache")) as context:
        names = ("alpha", "torchlike", "oddname", "nvidia-fft")
        lock = resolve(context.uv, names, python="3.11", platform=Platform())
        yield index, context, lock


def opened(world, source):
    _, context, lock = world
    uses = None if source is None else read_uses([SourceText("step.py", source)])
    environment = environment_of(context, lock, uses, heavy_bytes=HEAVY)
    return environment.by_name.keys() - environment.unread


@pytest.mark.parametrize(
    ("source", "names"),
    [
        (None, set()),
        ("import alpha, json, kfp\nfrom . import local", set()),
        ("import torchlike.nn", {"torchlike"}),
        ("try:\n    import torchlike\nexcept ImportError:\n    torchlike = None", {"torchlike"}),
        ("import oddmodule", {"torchlike", "oddname"}),  # who has it is not known before
        ("import nvidia.fft", {"torchlike", "oddname", "nvidia-fft"}),
        ("import subprocess\nsubprocess.run(['torchrun'])", {"torchlike", "oddname"}),
        ("import subprocess\nsubprocess.run(['ls', '-l'])", set()),
    ],
)
def test_what_is_opened(world, source, names):
    assert opened(world, source) == {"alpha", *names}


def test_what_is_closed_is_not_even_downloaded(world):
    index, context, lock = world
    for wheel in index.root.glob("*.whl"):
        if not wheel.name.startswith("alpha"):
            wheel.unlink()
    assert opened(world, "import alpha") == {"alpha"}
    environment = environment_of(context, lock, read_uses([]), heavy_bytes=HEAVY)
    assert environment.by_name["torchlike"].content_bytes > HEAVY
    assert environment.owners("torchlike") == frozenset()


def test_what_was_opened_before_is_known_for_good(world):
    index = world[0]
    assert "torchlike" in opened(world, "import torchlike")
    for wheel in index.root.glob("*.whl"):
        wheel.unlink()
    assert opened(world, "import alpha") == {"alpha", "torchlike"}
