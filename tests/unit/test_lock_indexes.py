"""Which indexes uv is told of."""

import pytest

from kfslim.errors import BadConfig
from kfslim.lock.indexes import (
    check_indexes,
    index_environment,
    pip_indexes,
    uv_has_indexes,
    with_credentials,
)

GPU = {"gpu": "https://gpu.example/simple"}


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with no settings at all; returns its environment and its home."""
    monkeypatch.setattr("sys.prefix", str(tmp_path / "prefix"))
    return {"HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tmp_path / "xdg")}, tmp_path


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_pip_settings_stand_in_when_uv_has_none(machine):
    environ, home = machine
    write(
        home / ".config/pip/pip.conf", "[global]\nindex-url = https://u:p@mirror.example/simple\n"
    )
    assert index_environment({}, environ) == {
        "UV_DEFAULT_INDEX": "https://u:p@mirror.example/simple"
    }


def test_uv_settings_win_over_pip(machine):
    environ, home = machine
    write(home / ".config/pip/pip.conf", "[global]\nindex-url = https://pip.example/simple\n")
    write(home / ".config/uv/uv.toml", 'index-url = "https://uv.example/simple"\n')
    assert uv_has_indexes(environ)
    assert index_environment({}, environ) == {}
    assert index_environment(GPU, environ) == {"UV_INDEX": "gpu=https://gpu.example/simple"}


def test_a_configured_index_comes_before_the_users_own(machine):
    environ, _ = machine
    environ["UV_INDEX"] = "mine=https://mine.example/simple"
    assert index_environment(GPU, environ)["UV_INDEX"].split() == [
        "gpu=https://gpu.example/simple",
        "mine=https://mine.example/simple",
    ]


def test_pip_precedence(machine):
    environ, home = machine
    write(home / "xdg/pip/pip.conf", "[global]\nindex-url = https://system.example\n")
    write(home / ".config/pip/pip.conf", "[install]\nindex-url = https://user.example\n")
    assert pip_indexes(environ)["index-url"] == ["https://user.example"]
    write(
        home / "named.conf",
        "[global]\nextra-index-url =\n  https://a.example\n  https://b.example\n",
    )
    environ["PIP_CONFIG_FILE"] = str(home / "named.conf")
    environ["PIP_INDEX_URL"] = "https://variable.example"
    assert pip_indexes(environ) == {
        "index-url": ["https://variable.example"],
        "extra-index-url": ["https://a.example", "https://b.example"],
    }
    environ["PIP_CONFIG_FILE"] = "/dev/null"
    assert pip_indexes(environ)["extra-index-url"] == []


def test_broken_settings_are_left_to_their_owner(machine):
    environ, home = machine
    write(home / ".config/pip/pip.conf", "index-url without a section")
    write(home / ".config/uv/uv.toml", "index = [")
    assert index_environment({}, environ) == {}


@pytest.mark.parametrize(
    ("indexes", "words"),
    [
        ({"default": "https://x"}, "default"),
        ({"gpu": "ftp://x"}, "must begin with"),
        ({"my-gpu": "https://me:sekrit@x/simple"}, "holds credentials"),
    ],
)
def test_unusable_indexes_are_refused(indexes, words):
    with pytest.raises(BadConfig, match=words) as caught:
        check_indexes(indexes)
    assert "sekrit" not in f"{caught.value.message} {caught.value.hint}"


def test_credentials_go_to_their_own_host_only():
    environment = {
        "UV_INDEX": "gpu=https://gpu.example/simple",
        "UV_DEFAULT_INDEX": "https://me:p%40ss@mirror.example/simple",
        "UV_INDEX_GPU_USERNAME": "robot",
        "UV_INDEX_GPU_PASSWORD": "a/b",
    }
    assert with_credentials("https://mirror.example/x.whl", environment) == (
        "https://me:p%40ss@mirror.example/x.whl"
    )
    assert with_credentials("https://gpu.example/x.whl", environment) == (
        "https://robot:a%2Fb@gpu.example/x.whl"
    )
    assert with_credentials("https://other.example/x.whl", environment) == (
        "https://other.example/x.whl"
    )
