"""Addresses and trust, without a network."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from kfslim.errors import AuthError, StoreError
from kfslim.net import Http
from kfslim.oci import parse_reference
from kfslim.oci.auth import Authorizer
from kfslim.oci.credentials import Credential
from kfslim.oci.endpoint import Endpoint


def endpoint(name: str, insecure: bool = False) -> Endpoint:
    return Endpoint(parse_reference(name), insecure)


def asked_urls(one: Endpoint, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record what is asked for, answering 200 to all of it."""
    urls: list[str] = []

    def ask(method: str, url: str, **_: object) -> object:
        urls.append(f"{method} {url}")
        return SimpleNamespace(status=200, headers={}, url=url)

    monkeypatch.setattr(one._http, "ask", ask)
    return urls


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("alpine", "https://registry-1.docker.io/v2/library/alpine/manifests/x"),
        ("docker.io/org/a", "https://registry-1.docker.io/v2/org/a/manifests/x"),
        ("r.example:5000/a/b", "https://r.example:5000/v2/a/b/manifests/x"),
        ("10.1.2.3:5000/a", "https://10.1.2.3:5000/v2/a/manifests/x"),
    ],
)
def test_beyond_loopback_https_is_spoken_unasked(
    name: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = endpoint(name)
    urls = asked_urls(one, monkeypatch)
    one.ask("GET", "manifests/x", what="x")
    assert urls == [f"GET {url}"]


def test_a_link_from_https_to_http_is_not_followed() -> None:
    answer = SimpleNamespace(url="https://r.example/v2/a/x", headers={})
    one = endpoint("r.example/a")
    assert one.follow(answer, "/v2/b", "x") == "https://r.example/v2/b"
    assert one.follow(answer, "https://s.example/b", "x") == "https://s.example/b"
    for link in ("http://r.example/v2/b", "file:///etc/passwd"):
        with pytest.raises(StoreError, match="plain HTTP"):
            one.follow(answer, link, "x")
    with pytest.raises(StoreError, match="where to go on"):
        one.location(answer, "x")
    assert endpoint("r.example/a", insecure=True).follow(answer, "http://x/", "x") == "http://x/"


@pytest.mark.parametrize("realm", ["http://t.example/token", "", "ftp://t.example"])
def test_passwords_go_to_no_token_service_over_http(realm: str) -> None:
    authorizer = Authorizer(Http(), "r.example", lambda: Credential("ada", "s3cret"), False)
    assert authorizer.header("repository:a:pull") is None
    assert authorizer.challenged(f'Bearer realm="{realm}"', None, "repository:a:pull")
    with pytest.raises(AuthError, match="not https") as caught:
        authorizer.header("repository:a:pull")
    assert "s3cret" not in caught.value.message
