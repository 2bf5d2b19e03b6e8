"""Where packages come from: settings first, else the machine's apt."""

from __future__ import annotations

from pathlib import Path

import pytest

from kfslim.build.debian.apt import read_apt
from kfslim.build.debian.sources import (
    DebianSettings,
    Mirror,
    debian_architecture,
    find_sources,
)
from kfslim.errors import InputError, Unsupported
from kfslim.oci.image import Platform

DEB822 = """\
# a comment
Types: deb deb-src
URIs: https://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /keys/debian.gpg

Types: deb
URIs: https://mirror.example/security
Suites: bookworm-security trixie-security
Components: main
Check-Valid-Until: no
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb
URIs: https://off.example/debian
Suites: bookworm
Components: main
Enabled: no
"""
ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb [arch=amd64 signed-by=/keys/a.gpg,/keys/b.asc] http://old.example/debian bullseye main
deb http://plain.example/debian bullseye-updates main contrib # why
deb-src http://old.example/debian bullseye main
deb http://tools.example/apt stable tools
"""


@pytest.fixture
def apt(tmp_path: Path) -> Path:
    folder = tmp_path / "apt"
    (folder / "sources.list.d").mkdir(parents=True)
    (folder / "trusted.gpg.d").mkdir()
    (folder / "trusted.gpg.d" / "debian.asc").write_text("key")
    (folder / "sources.list.d" / "debian.sources").write_text(DEB822)
    (folder / "sources.list").write_text(ONE_LINE)
    return folder


def test_deb822_sources_for_a_suite(apt):
    main, updates, security = find_sources("bookworm", DebianSettings(), apt)
    assert (main.uri, main.suite) == ("https://mirror.example/debian", "bookworm")
    assert main.keyrings == (Path("/keys/debian.gpg"),)
    assert updates.suite == "bookworm-updates"
    assert security.suite == "bookworm-security"
    assert security.keys[0].startswith(b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc")
    assert (main.check_valid_until, security.check_valid_until) == (True, False)


def test_one_line_sources_for_a_suite(apt):
    main, updates = find_sources("bullseye", DebianSettings(), apt)
    assert main.keyrings == (Path("/keys/a.gpg"), Path("/keys/b.asc"))
    assert updates.uri == "http://plain.example/debian"
    assert apt / "trusted.gpg.d" / "debian.asc" in updates.keyrings


def test_other_archives_and_disabled_entries_are_not_asked(apt):
    uris = {source.uri for source in find_sources("bookworm", DebianSettings(), apt)}
    assert "https://off.example/debian" not in uris
    with pytest.raises(InputError):
        find_sources("stable", DebianSettings(), apt)


def test_the_machine_that_turns_off_valid_until(apt):
    (apt / "apt.conf.d").mkdir()
    (apt / "apt.conf.d" / "10").write_text('Acquire::Check-Valid-Until "false";\n')
    assert not any(entry.check_valid_until for entry in read_apt(apt))


def test_a_machine_without_apt_says_which_setting_to_give(tmp_path):
    with pytest.raises(InputError, match="no mirror for Debian bookworm") as raised:
        find_sources("bookworm", DebianSettings(), tmp_path)
    assert "mirrors" in raised.value.hint


def test_settings_win_over_apt(apt):
    settings = DebianSettings((Mirror("https://mine.example/debian/"),), Path("/keys/mine.gpg"))
    sources = find_sources("trixie", settings, apt)
    assert [source.suite for source in sources] == ["trixie", "trixie-updates", "trixie-security"]
    assert {source.uri for source in sources} == {"https://mine.example/debian"}
    assert {source.keyrings for source in sources} == {(Path("/keys/mine.gpg"),)}
    assert all(source.optional for source in sources)


def test_a_keyring_of_the_settings_checks_the_mirrors_of_apt(apt):
    (main, *_) = find_sources("bookworm", DebianSettings(keyring=Path("/keys/mine.gpg")), apt)
    assert (main.keyrings, main.keys) == ((Path("/keys/mine.gpg"),), ())


@pytest.mark.parametrize("suite", ["", "../x", "book worm", "a/b"])
def test_what_is_no_suite(suite, apt):
    with pytest.raises(InputError):
        find_sources(suite, DebianSettings(), apt)


def test_architectures():
    assert debian_architecture(Platform("linux", "amd64")) == "amd64"
    assert debian_architecture(Platform("linux", "arm64", "v8")) == "arm64"
    for platform in (Platform("linux", "s390x"), Platform("windows", "amd64")):
        with pytest.raises(Unsupported):
            debian_architecture(platform)
