"""uv's pylock.toml → one file per package."""

import pytest

from kfslim.errors import ToolError, Unsupported
from kfslim.lock.files import read_annotations
from kfslim.lock.pylock import choose, preferences
from kfslim.lock.target import Target
from kfslim.lock.toml import parse_toml

TARGET = Target("3.11")
TEXT = """\
lock-version = "1.0"
created-by = "uv"

[[packages]]
name = "Zebra.Pkg"
version = "2.0"
sdist = { url = "https://x/zebra%20pkg-2.0.tar.gz", size = 7, hashes = { sha256 = "cc" } }

[[packages]]
name = "aiohttp"
version = "3"
wheels = [
  { url = "https://x/aiohttp-3-py3-none-any.whl", size = 1, hashes = { sha256 = "aa" } },
  { url = "https://x/aiohttp-3-cp311-cp311-manylinux_2_28_x86_64.whl", hashes = { sha256 = "bb" } },
]
"""


def test_the_best_wheel_of_each_sorted_by_name():
    aiohttp, zebra = choose(TEXT, TARGET)
    assert (aiohttp.sha256, aiohttp.size, aiohttp.kind) == ("bb", None, "wheel")
    assert (zebra.name, zebra.file, zebra.size) == ("zebra-pkg", "zebra pkg-2.0.tar.gz", 7)
    assert zebra.kind == "sdist"


@pytest.mark.parametrize("source", ["vcs", "directory", "archive"])
def test_what_no_index_serves_is_refused(source):
    text = f'[[packages]]\nname = "x"\nversion = "1"\n{source} = {{ url = "https://x/y" }}\n'
    with pytest.raises(Unsupported, match="package index"):
        choose(text, TARGET)


def test_no_fitting_file():
    text = TEXT.replace("cp311-cp311", "cp39-cp39").replace("py3-none", "cp38-cp38")
    with pytest.raises(Unsupported, match=r"aiohttp 3 has no wheel for Python 3.11 on linux/amd64"):
        choose(text, TARGET)


@pytest.mark.parametrize("text", ["[[", 'packages = "x"', '[[packages]]\nname = "x"'])
def test_a_broken_answer_is_uvs_fault(text):
    with pytest.raises(ToolError):
        choose(text + "\nwheels = []\nsdist = {}" if "name" in text else text, TARGET)


def test_preferences_are_a_lock_of_versions():
    packages = parse_toml(preferences(iter([("a", "1"), ("b", "2")])))["packages"]
    assert packages == [{"name": "a", "version": "1"}, {"name": "b", "version": "2"}]


def test_annotations_tell_the_index():
    text = "flask==3.1\n    # from https://me:x@pypi.example/simple/\nnumpy==2.4\n    # from file:///i\n"
    assert read_annotations(text) == {
        "flask": "https://pypi.example/simple",
        "numpy": "file:///i",
    }
