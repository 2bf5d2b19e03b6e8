"""Packages opened and laid out: what a hostile or odd one does, and where links lead."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from parts.debian import ar, make_deb

from kfslim.build.debian.deb import Deb, open_deb
from kfslim.build.debian.exclude import RULES, rule_for
from kfslim.build.debian.rootfs import Beneath, Rootfs
from kfslim.errors import BadImage
from kfslim.oci.tarwrite import TarWriter


def opened(tmp_path: Path, *args, **kwargs) -> Deb:
    path = tmp_path / f"{args[0]}.deb"
    path.write_bytes(make_deb(*args, **kwargs))
    return open_deb(path, tmp_path)


def special(kind: bytes, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo()
    info.type, info.linkname = kind, link
    return info


def test_a_package_is_read(tmp_path):
    deb = opened(tmp_path, "thing", files={"usr/bin/x": b"data", "usr/y": "-> bin/x"})
    by_path = {member.path: member for member in deb.members}
    assert (deb.name, deb.fields["Description"]) == ("thing", "thing for tests\n and nothing else")
    assert by_path["usr/bin/x"].read() == b"data"
    assert by_path["usr/bin/x"].read(1, 2) == b"at"
    assert by_path["usr/bin/x"].mode == 0o755
    assert by_path["usr/y"].target == "bin/x"
    assert by_path["usr"].kind == "folder"


def test_a_hardlink_reads_as_a_symlink(tmp_path):
    link = special(tarfile.LNKTYPE, "./usr/bin/x")
    deb = opened(tmp_path, "thing", files={"usr/bin/x": b"data", "usr/bin/y": link})
    assert (deb.members[-1].kind, deb.members[-1].target) == ("symlink", "/usr/bin/x")


@pytest.mark.parametrize("name", ["/etc/passwd", "../etc/passwd", "usr/../../x"])
def test_paths_that_lead_out(tmp_path, name):
    info = special(tarfile.REGTYPE)
    with pytest.raises(BadImage, match="astray"):
        opened(tmp_path, "thing", files={name: info})


def test_device_files(tmp_path):
    with pytest.raises(BadImage, match="device file, dev/null"):
        opened(tmp_path, "thing", files={"dev/null": special(tarfile.CHRTYPE)})


@pytest.mark.parametrize(
    "data",
    [
        b"not a package",
        b"!<arch>\nshort",
        ar({"debian-binary": b"2.0\n"}),
        ar({"control.tar.xz": b"not xz", "data.tar.xz": b""}),
        ar({"control.tar.zip": b"", "data.tar.xz": b""}),
        make_deb("thing")[:-400],
    ],
)
def test_damaged_packages(tmp_path, data):
    path = tmp_path / "bad.deb"
    path.write_bytes(data)
    with pytest.raises(BadImage):
        open_deb(path, tmp_path)


@pytest.fixture
def merged() -> Rootfs:
    rootfs = Rootfs()
    for name in ("bin", "lib"):
        rootfs.folder(f"usr/{name}")
        rootfs.link(name, f"usr/{name}")
    return rootfs


def test_usr_merge_is_links_that_are_followed(tmp_path, merged):
    files = {"bin/sh": b"sh", "lib/x/libz.so.1": b"z", "usr/bin/touch": "-> /bin/touch"}
    kept = merged.unpack(opened(tmp_path, "thing", files=files))
    assert {"usr/bin/sh", "usr/lib/x/libz.so.1"} <= set(merged)
    assert "usr/bin/touch" not in merged.members, "it would be a link to itself"
    assert "bin/sh" in kept and merged.read("bin/sh") == b"sh"
    assert merged.members["bin"].target == "usr/bin"


def test_two_packages_with_one_file(tmp_path, merged):
    merged.unpack(opened(tmp_path, "one", files={"bin/x": b"1"}))
    with pytest.raises(BadImage, match="one and two both ship /usr/bin/x"):
        merged.unpack(opened(tmp_path, "two", files={"usr/bin/x": b"2"}))
    merged.unpack(opened(tmp_path, "three", files={"usr/bin/x": b"3"}, Replaces="one (<< 2)"))
    assert merged.read("usr/bin/x") == b"3"


def test_setuid_is_dropped_and_sticky_kept(tmp_path, merged):
    sticky, setuid = tarfile.TarInfo(), tarfile.TarInfo()
    sticky.type, sticky.mode, setuid.mode = tarfile.DIRTYPE, 0o1777, 0o4755
    merged.unpack(opened(tmp_path, "thing", files={"tmp": sticky, "usr/bin/su": setuid}))
    assert (merged.members["tmp"].mode, merged.members["usr/bin/su"].mode) == (0o1777, 0o755)


def test_links_in_a_circle():
    rootfs = Rootfs()
    rootfs.link("a", "b")
    rootfs.link("b", "a")
    with pytest.raises(BadImage, match="too many symbolic links"):
        rootfs.resolve("a/x")


def test_a_layer_respects_what_lies_beneath(tmp_path):
    beneath = Beneath(frozenset({"lib", "usr", "usr/lib", "etc/sh"}), {"lib": "usr/lib"})
    rootfs = Rootfs(beneath)
    rootfs.unpack(opened(tmp_path, "thing", files={"lib/x.so": b"x"}))
    rootfs.link("etc/sh", "elsewhere")
    assert set(rootfs) == {"usr/lib/x.so"}


def test_a_tree_is_written_sorted_with_its_folders(tmp_path, merged):
    merged.unpack(opened(tmp_path, "thing", files={"etc/b": b"1" * 600, "etc/a-b/c": b"2"}))
    out = io.BytesIO()
    tar = TarWriter(out)
    merged.write(tar)
    tar.finish()
    out.seek(0)
    with tarfile.open(fileobj=out) as written:
        names = [member.name for member in written]
    assert names == [
        "bin",
        "etc",
        "etc/a-b",
        "etc/a-b/c",
        "etc/b",
        "lib",
        "usr",
        "usr/bin",
        "usr/lib",
    ]


@pytest.mark.parametrize(
    ("package", "path", "rule"),
    [
        ("x", "usr/share/doc/x/README", "docs"),
        ("x", "usr/share/doc/x/copyright", None),
        ("x", "usr/share/doc/x", None),
        ("x", "usr/share/man/man1/x.1.gz", "man"),
        ("x", "usr/share/locale/de/LC_MESSAGES/x.mo", "locale"),
        ("x", "usr/lib/locale/C.utf8/LC_CTYPE", None),
        ("x", "usr/share/lintian", "lintian"),
        ("x", "usr/lib/python3.11/test/support/__init__.py", "python-tests"),
        ("x", "usr/lib/python3.11/unittest/mock.py", None),
        ("libc6", "usr/lib/x86_64-linux-gnu/gconv/IBM037.so", "charsets"),
        ("libc6", "usr/lib/x86_64-linux-gnu/gconv/UTF-16.so", None),
        ("libc6", "usr/lib/x86_64-linux-gnu/gconv/gconv-modules.cache", None),
        ("extra", "usr/lib/x86_64-linux-gnu/gconv/IBM037.so", None),
        ("tzdata", "usr/share/zoneinfo/right/UTC", "leap-seconds"),
        ("libc-bin", "usr/sbin/zic", "zone-sources"),
        ("libstdc++6", "usr/share/gcc/python/libstdcxx/v6/printers.py", "gdb"),
        ("x", "usr/share/gdb/auto-load/lib.so-gdb.py", "gdb"),
        ("tzdata", "usr/share/zoneinfo/Europe/Berlin", None),
    ],
)
def test_what_is_left_out(package, path, rule):
    found = rule_for(package, path)
    assert (found.name if found else None) == rule


def test_every_rule_has_a_reason_of_its_own():
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.why for rule in RULES)
