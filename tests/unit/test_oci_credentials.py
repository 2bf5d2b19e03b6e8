from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from kfslim.errors import AuthError, BadConfig
from kfslim.oci.auth import Challenge
from kfslim.oci.credentials import Credential, find_credential
from kfslim.oci.endpoint import is_loopback


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Write a config and make it the user's; also put the folder on PATH, for helpers."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def write(value: object, name: str = "config.json") -> Path:
        (tmp_path / name).write_text(value if isinstance(value, str) else json.dumps(value))
        return tmp_path / name

    return write


def encoded(user: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


ADA = Credential("ada", "p:w")


@pytest.mark.parametrize("name", ["config.json", ".dockerconfigjson"])
def test_both_file_names(config, name: str) -> None:
    config({"auths": {"r.io": encoded("ada", "p:w")}}, name)
    assert find_credential("r.io") == ADA
    assert find_credential("other.io") is None


def test_the_variable_may_name_the_file(config, monkeypatch: pytest.MonkeyPatch) -> None:
    path = config({"auths": {"r.io": encoded("ada", "p:w")}}, "secret")
    monkeypatch.setenv("DOCKER_CONFIG", str(path))
    assert find_credential("r.io") == ADA


@pytest.mark.parametrize(
    ("key", "host"),
    [
        ("r.io", "r.io"),
        ("https://r.io", "r.io"),
        ("https://r.io/v1/", "r.io"),
        ("http://r.io/v2", "r.io"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("docker.io", "docker.io"),
        ("registry-1.docker.io", "docker.io"),
        ("127.0.0.1:5000", "127.0.0.1:5000"),
    ],
)
def test_spellings_of_a_host(config, key: str, host: str) -> None:
    config({"auths": {key: {"username": "ada", "password": "p:w"}}})
    assert find_credential(host, "a/b") == ADA


def test_the_most_specific_entry_wins(config) -> None:
    config({"auths": {"r.io": encoded("all", "1"), "r.io/team": encoded("team", "2")}})
    assert find_credential("r.io", "team/app") == Credential("team", "2")
    assert find_credential("r.io", "teams/app") == Credential("all", "1")


def test_tokens(config) -> None:
    config({"auths": {"a": {"identitytoken": "i"}, "b": {"registrytoken": "b"}, "c": {}}})
    assert find_credential("a") == Credential(identity_token="i")
    assert find_credential("b") == Credential(bearer_token="b")
    assert find_credential("c") is None


def helper(folder: Path, name: str, body: str) -> None:
    path = folder / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\nread -r server\n{body}\n")
    path.chmod(0o755)


def test_a_helper_is_asked_for_the_server(config, tmp_path: Path) -> None:
    config({"credsStore": "all", "credHelpers": {"r.io": "one"}})
    answer = """[ "$1" = get ] && echo '{"Username": "%s", "Secret": "'"$server"'"}'"""
    helper(tmp_path, "all", answer % "store")
    helper(tmp_path, "one", answer % "helper")
    assert find_credential("r.io") == Credential("helper", "r.io")
    assert find_credential("x.io") == Credential("store", "x.io")
    assert find_credential("docker.io") == Credential("store", "https://index.docker.io/v1/")


def test_a_helper_with_an_identity_token(config, tmp_path: Path) -> None:
    config({"credsStore": "h"})
    helper(tmp_path, "h", """echo '{"Username": "<token>", "Secret": "t"}'""")
    assert find_credential("r.io") == Credential(identity_token="t")


def test_a_helper_without_the_credential_leaves_it_to_the_file(config, tmp_path: Path) -> None:
    config({"credsStore": "h", "auths": {"r.io": encoded("ada", "p:w"), "y.io": {}}})
    helper(tmp_path, "h", "echo credentials not found in native keychain; exit 1")
    assert find_credential("r.io") == ADA
    assert find_credential("y.io") is None


@pytest.mark.parametrize("body", ["echo s3cret; exit 3", "echo s3cret", "echo '{\"s3cret\": 1}'"])
def test_a_helper_that_fails_tells_no_secret(config, tmp_path: Path, body: str) -> None:
    config({"credsStore": "h"})
    helper(tmp_path, "h", body)
    with pytest.raises(AuthError) as caught:
        find_credential("r.io")
    assert "docker-credential-h" in caught.value.message
    assert "s3cret" not in f"{caught.value.message}{caught.value.__cause__!r}"


def test_a_helper_that_is_not_there(config) -> None:
    config({"credsStore": "absent"})
    with pytest.raises(AuthError, match=r"docker-credential-absent.*not installed"):
        find_credential("r.io")
    config({"credsStore": "../evil"})
    with pytest.raises(BadConfig):
        find_credential("r.io")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"auths": {"r.io": {"auth": "%"}}}'])
def test_a_broken_file_is_named_and_not_quoted(config, text: str) -> None:
    path = config(text)
    with pytest.raises(BadConfig) as caught:
        find_credential("r.io")
    assert str(path) in caught.value.message


def test_secrets_do_not_show() -> None:
    shown = repr(Credential("ada", "s3cret", "s3cret", "s3cret"))
    assert "ada" in shown
    assert "s3cret" not in shown


@pytest.mark.parametrize(
    ("header", "scheme", "parameters"),
    [
        (
            'Bearer realm="https://a/t",service="s",scope="repository:a/b:pull,push"',
            "bearer",
            {"realm": "https://a/t", "service": "s", "scope": "repository:a/b:pull,push"},
        ),
        ("Basic realm=x", "basic", {"realm": "x"}),
        ('BEARER Realm="a\\"b" , service=s', "bearer", {"realm": 'a\\"b', "service": "s"}),
        ("", "", {}),
        ("Negotiate", "negotiate", {}),
    ],
)
def test_challenges(header: str, scheme: str, parameters: dict[str, str]) -> None:
    assert Challenge.parse(header) == Challenge(scheme, parameters)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("localhost:5000", True),
        ("registry.localhost", True),
        ("127.0.0.1:5000", True),
        ("127.8.8.8", True),
        ("[::1]:5000", True),
        ("10.0.0.1:5000", False),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
        ("docker.io", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) == expected
