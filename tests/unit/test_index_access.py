"""What an engine's builder stage is told of this machine's indexes, and by which way."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from kfslim.dockerfile.model import BuildFiles
from kfslim.errors import BadPlan
from kfslim.flow.index_access import IndexAccess
from kfslim.lock.indexes import machine_indexes

DEFAULT, EXTRA = "https://index.example/simple", "https://extra.example/simple"


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """Settings of nobody else."""
    nothing = str(tmp_path / "nothing")
    return {"HOME": str(tmp_path), "XDG_CONFIG_DIRS": nothing, "VIRTUAL_ENV": nothing}


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_uv_goes_before_pip(home, tmp_path):
    write(tmp_path / ".config/pip/pip.conf", f"[global]\nindex-url = {DEFAULT}\n")
    assert machine_indexes(home).default == DEFAULT
    text = f'[[index]]\nurl = "{EXTRA}"\n[[index]]\nurl = "https://uv.example"\ndefault = true'
    write(tmp_path / ".config/uv/uv.toml", text)
    assert machine_indexes(home) == ("https://uv.example", (EXTRA,))
    variables = {"UV_INDEX": "named=https://own.example", "UV_DEFAULT_INDEX": DEFAULT}
    assert machine_indexes({**home, **variables}) == (DEFAULT, ("https://own.example", EXTRA))


def test_without_a_default_the_installers_own_stays(home):
    environ = {**home, "UV_INDEX": EXTRA}
    assert IndexAccess({}, environ).variables == {"PIP_EXTRA_INDEX_URL": EXTRA}


def test_a_broken_file_of_uv_names_nothing(home, tmp_path):
    write(tmp_path / ".config/uv/uv.toml", "index = ")
    assert machine_indexes({**home, "PIP_INDEX_URL": DEFAULT}).default == DEFAULT


def test_pip_gets_its_login_from_wherever_uv_would(home, tmp_path):
    write(tmp_path / ".netrc", "machine extra.example login me password p@ss\n")
    environ = {
        **home,
        "UV_DEFAULT_INDEX": "https://you:open-sesame@index.example/simple",
        "PIP_TRUSTED_HOST": "index.example",
    }
    told = IndexAccess({"other": EXTRA}, environ).variables
    assert told == {
        "PIP_INDEX_URL": "https://you:open-sesame@index.example/simple",
        "PIP_EXTRA_INDEX_URL": "https://me:p%40ss@extra.example/simple",
        "PIP_TRUSTED_HOST": "index.example",
    }


def test_what_no_container_can_reach_is_not_told(home):
    environ = {**home, "UV_DEFAULT_INDEX": "file:///srv/index/simple"}
    assert "PIP_INDEX_URL" not in IndexAccess({}, environ).variables


def test_only_declared_arguments_are_passed(home):
    environ = {**home, "UV_DEFAULT_INDEX": DEFAULT, "HTTPS_PROXY": "http://proxy.example"}
    access = IndexAccess({"other": EXTRA}, environ)
    files = BuildFiles({"d": b"FROM x\nARG PIP_INDEX_URL\nRUN echo ARG PIP_EXTRA_INDEX_URL\n"}, "d")
    assert access.arguments(files) == {
        "PIP_INDEX_URL": DEFAULT,
        "HTTPS_PROXY": "http://proxy.example",
    }


def test_the_classic_builder_gets_certificates_by_a_file(home, tmp_path):
    write(tmp_path / "ca.crt", "-----BEGIN CERTIFICATE-----\n")
    access = IndexAccess({}, {**home, "SSL_CERT_FILE": str(tmp_path / "ca.crt")})
    plain = BuildFiles({"d": b"FROM x\n"}, "d")
    assert access.with_certificates(plain) == plain
    files = access.with_certificates(BuildFiles({"d": b"FROM x\nARG PIP_CERT\n"}, "d"))
    assert files.files["ca.crt"] == b"-----BEGIN CERTIFICATE-----\n"
    assert access.arguments(files) == {"PIP_CERT": "ca.crt"}
    assert access.arguments(plain) == {}


def test_the_secret_is_a_file_of_pip(home):
    access = IndexAccess({}, {**home, "UV_DEFAULT_INDEX": DEFAULT, "PIP_DEFAULT_TIMEOUT": "60"})
    secrets = access.secrets(BuildFiles({"d": b""}, "d", ("pip",)))
    parser = configparser.RawConfigParser()
    parser.read_string(secrets["pip"].decode())
    assert dict(parser["global"]) == {"index-url": DEFAULT, "default-timeout": "60"}


def test_the_machines_certificates_come_along(home, tmp_path):
    write(tmp_path / "ca.crt", "-----BEGIN CERTIFICATE-----\n")
    environ = {**home, "SSL_CERT_FILE": str(tmp_path / "ca.crt")}
    secrets = IndexAccess({}, environ).secrets(BuildFiles({"d": b""}, "d", ("pip", "ca")))
    assert secrets["ca"] == b"-----BEGIN CERTIFICATE-----\n"
    assert b"cert = /run/secrets/ca\n" in secrets["pip"]


def test_a_secret_that_nobody_knows(home):
    with pytest.raises(BadPlan, match="'ssh'"):
        IndexAccess({}, home).secrets(BuildFiles({"d": b""}, "d", ("ssh",)))
