"""Signatures and Release files: nothing unsigned, foreign or stale is believed."""

from __future__ import annotations

from pathlib import Path

import pysequoia
import pytest
from parts.debian import Archive

from kfslim.build.debian.release import index_of, index_urls, parse_release
from kfslim.build.debian.signatures import _gpgv, verify_clearsigned
from kfslim.build.debian.sources import Source
from kfslim.errors import DigestMismatch, FetchError, InputError

DAY = 86400.0
NOW = 1_800_000_000.0  # January 2027
SOURCE = Source("https://user:secret@mirror.example/debian", "bookworm", ())
HASH = "ab" * 32
RELEASE = f"""\
Origin: Debian
Suite: oldstable
Codename: bookworm
Acquire-By-Hash: yes
Valid-Until: Fri, 15 Jan 2027 12:00:00 UTC
MD5Sum:
 00 1 main/binary-amd64/Packages.xz
SHA256:
 {HASH} 10 main/binary-amd64/Packages.gz
 {HASH} 9 main/binary-amd64/Packages.xz
"""


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


@pytest.mark.parametrize("armored", [False, True])
def test_a_signed_message_gives_what_was_signed(archive, armored, tmp_path):
    message = b"before\n" + archive.sign(b"Origin: Debian\n- dash\n") + b"after\n"
    ring = tmp_path / "ring"
    other = pysequoia.Tsk.generate(user_id="Other <o@example.org>").extract_certificate()
    mine = archive.key.extract_certificate()
    ring.write_bytes(str(mine).encode() if armored else bytes(other) + bytes(mine))
    signed = verify_clearsigned(message, [ring])
    assert signed.rstrip() == b"Origin: Debian\n- dash"


def test_another_key_and_a_changed_text_are_refused(archive):
    message = archive.sign(b"Origin: Debian\n")
    other = bytes(pysequoia.Tsk.generate(user_id="O <o@example.org>").extract_certificate())
    with pytest.raises(DigestMismatch, match="mirror is not signed"):
        verify_clearsigned(message, [], [other], "mirror")
    with pytest.raises(DigestMismatch):
        verify_clearsigned(message.replace(b"Debian", b"Debiam"), [archive.keyring])
    with pytest.raises(DigestMismatch) as raised:
        verify_clearsigned(b"Origin: Debian\n", [archive.keyring])
    assert "backtrace" not in str(raised.value)


def test_keyrings_that_cannot_be_used(archive, tmp_path):
    message = archive.sign(b"x")
    with pytest.raises(InputError, match="cannot be read"):
        verify_clearsigned(message, [tmp_path / "none.gpg"])
    (tmp_path / "bad.gpg").write_bytes(b"no certificate")
    with pytest.raises(InputError, match="no OpenPGP certificate"):
        verify_clearsigned(message, [tmp_path / "bad.gpg"])


def test_gpgv_agrees(archive):
    import shutil

    if not shutil.which("gpgv"):
        pytest.skip("gpgv is not installed")
    armored = str(archive.key.extract_certificate()).encode()
    for ring in (armored, archive.keyring.read_bytes()):
        assert _gpgv(archive.sign(b"Origin: Debian\n"), [ring], "").startswith(b"Origin: Debian")
    with pytest.raises(DigestMismatch):
        _gpgv(archive.sign(b"Origin: Debian\n").replace(b"Debian", b"Debiam"), [armored], "")


def test_a_release_lists_its_indexes():
    release = parse_release(RELEASE.encode(), SOURCE, NOW - DAY * 30)
    listed = index_of(release, "amd64")
    assert (listed.path, listed.size) == ("main/binary-amd64/Packages.xz", 9)
    by_hash, plain = index_urls(release, listed)
    assert by_hash.endswith(f"/dists/bookworm/main/binary-amd64/by-hash/SHA256/{HASH}")
    assert plain.endswith("/dists/bookworm/main/binary-amd64/Packages.xz")
    with pytest.raises(FetchError, match="no packages for arm64"):
        index_of(release, "arm64")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("Origin: Debian", "Origin: Ubuntu", "an archive of Ubuntu"),
        ("Codename: bookworm", "Codename: trixie", "gives trixie instead"),
        ("SHA256:", "SHA1:", "no SHA-256"),
    ],
)
def test_releases_that_are_refused_without_a_secret_in_the_sentence(old, new, says):
    with pytest.raises((FetchError, DigestMismatch), match=says) as raised:
        parse_release(RELEASE.replace(old, new).encode(), SOURCE, NOW - DAY * 30)
    assert "secret" not in str(raised.value)


def test_a_stale_release_is_refused_unless_apt_is_told_not_to_look():
    with pytest.raises(FetchError, match="expired"):
        parse_release(RELEASE.encode(), SOURCE, NOW + DAY)
    lenient = Source(SOURCE.uri, "bookworm", (), check_valid_until=False)
    assert parse_release(RELEASE.encode(), lenient, NOW + DAY).by_hash


def test_a_suite_may_be_asked_for_by_its_role():
    role = Source(SOURCE.uri, "oldstable", ())
    assert parse_release(RELEASE.encode(), role, NOW - DAY * 30).files
