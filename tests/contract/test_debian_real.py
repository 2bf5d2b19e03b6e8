"""A base from the machine's own Debian mirror: it runs, and Debian's own tools believe it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parts.check_image import check_image
from parts.need import missing, program

from kfslim.build.debian.added import added_layer, read_foundation, resolve_added
from kfslim.build.debian.archive import Archive
from kfslim.build.debian.base import assemble_base, resolve_base
from kfslim.build.debian.bytecode import StandardLibrary
from kfslim.build.debian.sources import DebianSettings, find_sources
from kfslim.build.debian.version import version_key
from kfslim.cache import Cache
from kfslim.errors import InputError, OutsideError
from kfslim.measure import measure
from kfslim.oci import open_store
from kfslim.oci.codec import open_tar
from kfslim.oci.compress import current_codec
from kfslim.oci.image import Image, Platform

pytestmark = [pytest.mark.network, pytest.mark.real]
SUITES = ("bookworm", "trixie", "bullseye")
Run = Callable[..., str]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    for suite in SUITES:
        try:
            find_sources(suite, DebianSettings())
        except InputError:
            continue
        cache = Cache(tmp_path_factory.mktemp("cache"))
        archive = Archive(suite, Platform("linux", "amd64"), DebianSettings(), cache)
        try:
            assert archive.releases
        except OutsideError as error:
            missing(f"the machine's Debian mirror gives no {suite}: {error}")
        return archive
    return missing("this machine's apt knows no Debian mirror")


def assembled(archive: Archive, cache: Cache) -> Image:
    return assemble_base(
        resolve_base(archive),
        archive.platform,
        fetch=archive.fetch,
        cache=cache,
        codec=current_codec(),
        compile_sources=StandardLibrary(cache),
    )


@pytest.fixture(scope="module")
def base(archive: Archive) -> Image:
    return assembled(archive, archive.cache)


def lay_out(image: Image, root: Path) -> Path:
    """Unpack an image's layers, folders and all, as an engine would."""
    for layer in image.layers:
        with open_tar(layer) as plain, tarfile.open(fileobj=plain, mode="r|") as tar:
            tar.extractall(root, filter="fully_trusted")
    return root


@pytest.fixture(scope="module")
def root(base: Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay_out(base, tmp_path_factory.mktemp("root"))


def runner(root: Path) -> Run:
    unshare = program("unshare", "util-linux")
    try_it = [unshare, "--user", "--map-root-user", "true"]
    if subprocess.run(try_it, capture_output=True, check=False).returncode:
        missing("this machine does not allow user namespaces")
    for name in ("null", "urandom"):
        (root / "dev" / name).touch()

    def run(*command: str) -> str:
        inside = [unshare, "--user", "--map-root-user", "--mount", "--root", str(root)]
        environment = {"PATH": "/usr/bin:/usr/sbin", "LANG": "C.UTF-8"}
        done = subprocess.run(
            [*inside, *command], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module")
def run(root: Path) -> Run:
    return runner(root)


def test_the_image_is_sound(base):
    check_image(None, base, ours=True)


def test_its_content_is_what_we_promise(base, archive):
    """A shell, Python, its bytecode, TLS and time zones in 22 MB (docs/bases.md)."""
    if archive.suite != "bookworm":
        pytest.skip("the promise is about bookworm")
    assert base.content_bytes <= 22_000_000


def test_two_cold_caches_give_one_digest(base, archive, tmp_path):
    assert assembled(archive, Cache(tmp_path / "other")).digest == base.digest


def test_a_runner_finds_its_shell_tools(run):
    script = 'set -e; F="$(mktemp)"; printf "%s" hello > "$F"; cat "$F"; python3 -V; python -V'
    assert run("sh", "-ec", script).startswith("helloPython 3.")


def test_the_standard_library_is_all_there(run):
    names = (
        "asyncio, bz2, ctypes, curses, dbm.ndbm, decimal, email, hashlib, lzma, multiprocessing, "
        "pwd, readline, socket, sqlite3, ssl, unittest.mock, uuid, xml.etree.ElementTree, zlib, "
        "zoneinfo"
    )
    code = f"""import {names}
print(zoneinfo.ZoneInfo("Europe/Berlin"), zoneinfo.ZoneInfo("US/Pacific"))
print(len(ssl.create_default_context().get_ca_certs()) > 100)
print(socket.getservbyname("https"), pwd.getpwuid(65532).pw_name, asyncio.__cached__)
"""
    zones, trusted, names = run("python3", "-c", code).splitlines()
    assert (zones, trusted) == ("Europe/Berlin US/Pacific", "True")
    assert names.startswith("443 nonroot /usr/lib/python3")


def test_distutils_is_there_as_long_as_python_has_it(run):
    """The executor of kfp 2.1 imports it, and so do older distributions."""
    code = "import sys; names = ('distutils.util',) * (sys.version_info < (3, 12))\n"
    code += "for name in names: __import__(name)"
    run("python3", "-W", "ignore", "-c", code)


def test_modules_that_start_often_have_their_bytecode(run):
    code = "import os, json, typing, argparse; print(*map(os.path.exists, "
    code += "(m.__cached__ for m in (json, typing, argparse))))"
    assert run("python3", "-c", code).split() == ["True"] * 3


def test_libraries_are_found_by_name(run):
    code = "import ctypes.util as u; print(*map(u.find_library, ('sqlite3', 'gomp', 'stdc++')))"
    assert run("python3", "-c", code).split() == [
        "libsqlite3.so.0",
        "libgomp.so.1",
        "libstdc++.so.6",
    ]


def cached_libraries(root: Path) -> list[str]:
    command = [program("ldconfig", "libc-bin"), "-C", str(root / "etc/ld.so.cache"), "-p"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if "=>" in line]


def test_the_loader_cache_is_the_one_that_ldconfig_writes(root, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(root, copy, symlinks=True)
    ours = cached_libraries(root)
    (copy / "etc/ld.so.cache").unlink()
    subprocess.run([program("ldconfig", "libc-bin"), "-r", str(copy)], check=True)
    assert ours == cached_libraries(copy)
    assert len(ours) > 40


def test_dpkg_finds_its_packages_and_all_their_files(root, archive):
    packages = resolve_base(archive)
    command = [program("dpkg-query", "dpkg"), f"--admindir={root}/var/lib/dpkg", "-W"]
    listed = subprocess.run(
        [*command, "-f", "${Package} ${Version} ${Architecture}\n"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert listed == [f"{p.name} {p.version} {p.architecture}" for p in packages]
    verify = [program("dpkg"), f"--root={root}", "--verify"]
    done = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert done.stdout == ""


def test_measuring_attributes_its_bytes(base, archive):
    found = measure(base, full=True)
    assert [p.name for p in found.os_packages] == [p.name for p in resolve_base(archive)]
    assert found.python is not None and found.python.version.startswith("3.")
    assert found.os_release.startswith("debian")
    owned = sum(p.disk_bytes for p in found.os_packages)
    assert owned + found.unowned_bytes == found.disk_bytes
    bytecode = sum(w.disk_bytes for w in found.waste if w.reason == "bytecode")
    assert found.unowned_bytes - bytecode < 2_000_000, "dpkg's database, the CA bundle"


def test_packages_are_added_and_work(base, archive, tmp_path):
    foundation = read_foundation(base)
    packages = resolve_added(archive, ["sed", "grep", "libblas3", "jq"], foundation)
    assert not {p.name for p in packages} & set(foundation.installed)
    layer, line = added_layer(
        foundation, packages, fetch=archive.fetch, cache=archive.cache, codec=current_codec()
    )
    image = base.with_layers([layer], [{"created_by": line}])
    check_image(None, image, ours=True)
    run = runner(lay_out(image, tmp_path / "root"))
    assert run("sh", "-c", "echo abc | sed s/b/x/ | grep -c axc").strip() == "1"
    assert run("sh", "-c", "echo '{\"a\": 7}' | jq .a").strip() == "7"
    run("python3", "-c", "import ctypes; ctypes.CDLL('libblas.so.3')")
    verify = [program("dpkg"), f"--root={tmp_path}/root", "--verify"]
    assert subprocess.run(verify, capture_output=True, text=True, check=False).stdout == ""


def test_it_runs_in_an_engine_as_root_and_as_nobody(base, engine):
    import docker

    name = f"kfslim-test/debian-{os.getpid()}"
    open_store(f"docker-daemon:{name}:base").write(base, "base")
    client = docker.from_env()
    try:
        for user in ("0", "65532", "12345"):
            output = client.containers.run(
                f"{name}:base",
                ["sh", "-ec", 'F=$(mktemp); printf x > "$F"; python3 -c "import ssl; print(7)"'],
                user=user,
                network_mode="none",
                remove=True,
            )
            assert output.strip() == b"7"
    finally:
        client.images.remove(f"{name}:base", force=True)
        client.close()


_VERSION = st.from_regex(r"([0-2]:)?[0-9][a-z0-9.+~]{0,6}(-[a-z0-9.+~]{1,4})?", fullmatch=True)


@settings(max_examples=60, deadline=None)
@given(left=_VERSION, right=_VERSION)
def test_versions_compare_as_dpkg_compares_them(left, right):
    one, two = version_key(left), version_key(right)
    ours = "lt" if one < two else "eq" if one == two else "gt"
    command = [program("dpkg"), "--compare-versions", left, ours, right]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
