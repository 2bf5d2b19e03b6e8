from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfslim.errors import BadReference
from kfslim.oci.reference import Reference, parse_reference

D = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("alpine", Reference("docker", "library/alpine", "docker.io")),
        ("alpine:3", Reference("docker", "library/alpine", "docker.io", "3")),
        ("org/app", Reference("docker", "org/app", "docker.io")),
        ("index.docker.io/org/app", Reference("docker", "org/app", "docker.io")),
        ("localhost/app", Reference("docker", "app", "localhost")),
        ("docker://127.0.0.1:5000/a/b:t", Reference("docker", "a/b", "127.0.0.1:5000", "t")),
        ("docker://[::1]:5000/a:t", Reference("docker", "a", "[::1]:5000", "t")),
        (f"docker://r.io/a:t@{D}", Reference("docker", "a", "r.io", "t", D)),
        (f"docker://r.io/a@{D}", Reference("docker", "a", "r.io", None, D)),
        ("oci:out", Reference("oci", "out")),
        ("oci:/tmp/a:b/c", Reference("oci", "/tmp/a:b/c")),
        ("oci:out/images:t", Reference("oci", "out/images", "", "t")),
        (f"oci:out@{D}", Reference("oci", "out", "", None, D)),
        ("docker-daemon:x/y:t", Reference("docker-daemon", "x/y", "docker.io", "t")),
        ("docker-archive:a.tar", Reference("docker-archive", "a.tar")),
        ("docker-archive:a.tar:x/y:t", Reference("docker-archive", "a.tar", "", "x/y:t")),
        ("deb:bookworm", Reference("deb", "bookworm")),
        ("  alpine  ", Reference("docker", "library/alpine", "docker.io")),
    ],
)
def test_what_is_understood(text: str, expected: Reference) -> None:
    assert parse_reference(text) == expected
    assert parse_reference(str(expected)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "docker:x", "docker://", "docker:///a", "oci:", "oci::t", "http://r/x", "A/b",
        "r.io/A", "a b", "a:", "a:b:c", "a@sha256:12", "a@md5:x", "r.io:port/a", "deb:", "deb:A",
        "docker-archive:", "a/../b", "-a", "oci:x:-bad", "r.io//a", "[::1/a",
    ],
)  # fmt: skip
def test_what_is_refused(text: str) -> None:
    with pytest.raises(BadReference) as caught:
        parse_reference(text)
    assert "\n" not in caught.value.message


@given(st.text(max_size=60))
def test_any_text_is_a_reference_or_refused(text: str) -> None:
    try:
        reference = parse_reference(text)
    except BadReference:
        return
    assert parse_reference(str(reference)) == reference


def test_targets() -> None:
    reference = parse_reference("r.io/a")
    assert reference.target == "latest"
    assert reference.at(tag="t").target == "t"
    assert reference.at(tag="t", digest=D).target == D
    assert reference.at(tag="t").short == "r.io/a:t"
