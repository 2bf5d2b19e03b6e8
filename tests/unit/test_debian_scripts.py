"""Maintainer scripts are read, never run: harmless, done by us, or refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from parts.debian import make_deb

from kfslim.build.debian.deb import open_deb
from kfslim.build.debian.scripts import Alternative, Wishes, wishes_of
from kfslim.build.debian.shell import Unreadable, read_script
from kfslim.errors import Unsupported


@pytest.fixture
def wishes(tmp_path: Path):
    def read(postinst: str = "", preinst: str = "", name: str = "thing") -> Wishes:
        scripts = {"postinst": postinst, "preinst": preinst}
        scripts = {key: f"#!/bin/sh\nset -e\n{body}" for key, body in scripts.items() if body}
        path = tmp_path / "thing.deb"
        path.write_bytes(make_deb(name, scripts=scripts))
        return wishes_of(open_deb(path, tmp_path))

    return read


HARMLESS = {
    "nothing": "exit 0",
    "a comment with a quote": "# don't\nexit 0",
    "maintscript-helper": 'dpkg-maintscript-helper rm_conffile /etc/x 1.0\\~ -- "$@"',
    "a debhelper section": (
        "# Automatically added by dh_installinit/13.11.4\n"
        "invoke-rc.d thing start || exit 1\n"
        "# End automatically added section"
    ),
    "another branch": 'case "$1" in\n configure) ;;\n triggered)\n  start-it\n ;;\nesac',
    "an upgrade": 'if [ "$1" = configure ] && [ -n "$2" ]; then\n  migrate\nfi',
    "an older version": 'if dpkg --compare-versions "$2" lt-nl 1.0; then migrate; fi',
    "a triggered run": 'if [ "$1" = triggered ]; then\n  (cd /; rebuild > x)\n  exit 0\nfi',
    "after the end": 'if [ "$1" = configure ]; then exit 0; fi\nmigrate',
    "a function nobody calls": "start() {\n  invoke-rc.d x start\n}\nexit 0",
    "a test of what is there": "if ! getent group x >/dev/null; then echo none; fi",
    "a loop over nothing much": "for f in a b; do rm -f /old/$f; done",
    "a here-document in a dead branch": 'if [ -n "$2" ]; then cat > x <<EOF\n$(boom)\nEOF\nfi',
}


@pytest.mark.parametrize("what", HARMLESS)
def test_harmless_scripts(wishes, what):
    assert wishes(HARMLESS[what]) == Wishes()


REFUSED = {
    "adduser": "adduser --system x",
    "a user in a test's branch": "if ! getent group x >/dev/null; then\n  addgroup x\nfi",
    "sysusers": (
        "# Automatically added by dh_installsysusers/13.11.4\n"
        "systemd-sysusers thing.conf\n"
        "# End automatically added section"
    ),
    "invoke-rc.d": 'case "$1" in configure) invoke-rc.d x start ;; esac',
    "a command behind a test": "[ -x /usr/bin/x ] && make-cache",
    "the other side of a test": "[ -x /usr/bin/x ] || make-cache",
    "the program as an argument": 'if [ "$1" = configure ]; then\n  "$PROGRAM" --all\nfi',
    "a function that is called": "run() {\n  make-cache\n}\nrun",
    "a call in a circle": "run() {\n run\n}\nrun",
    "redirection": "echo x > /etc/file",
    "pipe": "echo x | tee /etc/file",
    "substitution": "X=$(make-cache)\nexit 0",
    "debconf": ". /usr/share/debconf/confmodule",
    "eval": "eval make-cache",
    "unbalanced": 'if [ "$1" = x ]; then',
    "computed alternative": "update-alternatives --install /usr/bin/$x x /usr/bin/y 1",
    "computed folder": "mkdir -p /var/lib/$x",
}


@pytest.mark.parametrize("what", REFUSED)
def test_scripts_that_do_more(wishes, what):
    with pytest.raises(Unsupported, match="Debian package thing cannot be added: its postinst"):
        wishes(REFUSED[what])


def test_a_preinst_counts_too(wishes):
    with pytest.raises(Unsupported, match="preinst does more"):
        wishes(preinst='case "$1" in install) adduser x ;; esac')
    assert wishes(preinst='case "$1" in upgrade) adduser x ;; esac') == Wishes()


def test_a_script_that_is_no_shell_script(tmp_path):
    path = tmp_path / "thing.deb"
    path.write_bytes(make_deb("thing", scripts={"postinst": "#!/usr/bin/perl\nexit 0\n"}))
    with pytest.raises(Unsupported, match="no shell script"):
        wishes_of(open_deb(path, tmp_path))


def test_alternatives_folders_and_files_are_wishes(wishes):
    found = wishes(
        'if [ "$1" = configure ] || [ "$1" = abort-upgrade ]; then\n'
        "  update-alternatives --quiet --install /usr/bin/awk awk /usr/bin/mawk 5 \\\n"
        "    --slave /usr/bin/nawk nawk /usr/bin/mawk\n"
        "  mkdir -p -m 755 /etc/thing.d\n"
        "  [ -e /etc/thing ] || touch /etc/thing\n"
        "fi"
    )
    slaves = (("/usr/bin/nawk", "nawk", "/usr/bin/mawk"),)
    assert found.alternatives == (Alternative("/usr/bin/awk", "awk", "/usr/bin/mawk", 5, slaves),)
    assert (found.folders, found.files) == (("etc/thing.d",), ("etc/thing",))


def test_a_package_whose_scripts_were_read(wishes):
    assert wishes("update-ca-certificates", name="ca-certificates") == Wishes()
    assert wishes("python3.11 -m compileall", name="python3.11-minimal") == Wishes()


@pytest.mark.parametrize("text", ["case x in", "echo 'x", "if x; then y; esac", "f() { x"])
def test_scripts_that_do_not_close(text):
    with pytest.raises(Unreadable):
        read_script(text)
