"""The real uv against a package index in a folder: no network."""

from __future__ import annotations

import base64
import hashlib
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from parts.wheels import Index

from kfslim.cache import Cache
from kfslim.errors import (
    AuthError,
    BadConfig,
    BadRequirement,
    DigestMismatch,
    FetchError,
    NotFound,
    Unsupported,
)
from kfslim.lock.install import install
from kfslim.lock.job import Job
from kfslim.lock.resolve import lock_many, resolve
from kfslim.lock.uv import Uv
from kfslim.oci.image import Platform

AMD = Platform()
ARM = Platform("linux", "arm64")
SITE = "lib/python3.11/site-packages"


@pytest.fixture
def index(tmp_path):
    return Index(tmp_path / "index")


@pytest.fixture
def make_uv(tmp_path, index):
    """Return a maker of uv with a cache of its own that asks ``index`` only."""

    def make(cache="cache", indexes=None, **environ):
        from os import environ as machine

        settings = {**machine, "UV_DEFAULT_INDEX": index.url, "UV_NO_CONFIG": "1", **environ}
        return Uv(Cache(tmp_path / cache), indexes, environ=settings)

    return make


@pytest.fixture
def uv(make_uv):
    return make_uv()


def lock(uv, *requirements, **more):
    return resolve(uv, requirements, **{"python": "3.11", "platform": AMD, **more})


def versions(found):
    return {one.name: one.version for one in found.distributions}


def put(uv, found, folder, **more):
    done = install(
        uv, found.distributions, **{"python": "3.11", "platform": AMD, "folder": folder, **more}
    )
    return {one.locked.name: {file.path: file for file in one.files} for one in done}


class Counting(Uv):
    """uv that counts its starts."""

    starts = 0

    def try_run(self, *arguments, **more):
        self.starts += 1
        return super().try_run(*arguments, **more)


# --- resolving ---------------------------------------------------------------------------------


def test_a_lock_names_files_hashes_and_sizes_and_no_urls(uv, index):
    wheel = index.wheel("app", requires=("dep>=1",))
    index.wheel("dep", "1.5")
    found = lock(uv, "app")
    app, dep = found.distributions
    assert (app.file, app.index, app.kind) == (wheel.name, "default", "wheel")
    assert app.sha256 == hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert app.content_bytes == wheel.stat().st_size
    assert dep.version == "1.5"
    assert "://" not in found.model_dump_json()
    assert str(index.root) not in found.model_dump_json()


def test_each_target_gets_its_own_wheel(uv, index):
    for tag in (
        "cp311-cp311-manylinux_2_28_x86_64",
        "cp311-cp311-manylinux_2_34_x86_64",
        "cp312-cp312-manylinux_2_28_aarch64",
    ):
        index.wheel("native", tag=tag, files={"native.so": tag.encode()})

    def tag_for(**more):
        return lock(uv, "native", **more).distributions[0].file

    assert "2_28_x86_64" in tag_for()
    assert "2_34_x86_64" in tag_for(glibc=(2, 36), python="3.11.2")
    assert "aarch64" in tag_for(platform=ARM, python="3.12")
    with pytest.raises(BadRequirement, match="native"):
        tag_for(platform=ARM)


def test_the_locked_wheel_is_installed_though_a_better_one_exists(uv, index, tmp_path):
    for level in (28, 34):
        tag = f"cp311-cp311-manylinux_2_{level}_x86_64"
        index.wheel("native", tag=tag, files={"native.so": tag.encode()})
    found = lock(uv, "native")
    file = put(uv, found, tmp_path / "out")["native"][f"{SITE}/native.so"]
    assert b"2_28" in file.source.read_bytes()


def test_an_unchanged_declaration_never_starts_uv(make_uv, index):
    index.wheel("app")
    first = lock(make_uv(), "app")
    second = make_uv()
    counting = Counting(second.cache, environ=second.environ)
    assert lock(counting, "app", existing=first) is first
    assert counting.starts == 0
    lock(counting, "app", existing=first, python="3.12")
    assert counting.starts > 0


def test_versions_stay_unless_an_upgrade_is_asked(uv, index):
    for name in ("app", "other"):
        index.wheel(name, "1.0")
    first = lock(uv, "app", "other")
    for name in ("app", "other"):
        index.wheel(name, "2.0")
    index.wheel("extra", "1.0")
    old = {"app": "1.0", "other": "1.0"}
    assert versions(lock(uv, "app", "other", "extra", existing=first)) == {**old, "extra": "1.0"}
    one = lock(uv, "app", "other", existing=first, upgrade=["App"])
    assert versions(one) == {"app": "2.0", "other": "1.0"}
    every = lock(uv, "app", "other", existing=first, upgrade=True)
    assert versions(every) == {"app": "2.0", "other": "2.0"}


def test_equal_jobs_are_locked_once(make_uv, index):
    index.wheel("app")
    plain = make_uv()
    uv = Counting(plain.cache, environ=plain.environ)
    jobs = [
        Job(("app",), "3.11", AMD, what="locking step one"),
        Job(("app",), "3.11", AMD, what="locking step two"),
        Job(("app",), "3.11", ARM),
    ]
    first, second, arm = lock_many(uv, jobs)
    assert first is second
    assert arm.platform == "linux/arm64"
    assert uv.starts == 2
    again = lock_many(uv, [jobs[0], replace(jobs[1], existing=first)])
    assert again == [first, first]
    assert uv.starts == 2


def test_nothing_needs_nothing(uv):
    assert lock(uv).distributions == ()


def test_a_conflict_names_both_requirements(uv, index):
    index.wheel("app", requires=("dep>=2",))
    for version in ("1.0", "2.0"):
        index.wheel("dep", version)
    with pytest.raises(BadRequirement, match=r"dep==1\.0") as caught:
        lock(uv, "app", "dep==1.0", what="locking step train")
    assert caught.value.message.startswith("locking step train: ")


def test_a_conflict_with_the_old_image_says_so(uv, index):
    index.wheel("app", requires=("dep>=2",))
    for version in ("1.0", "2.0"):
        index.wheel("dep", version)
    with pytest.raises(BadRequirement) as caught:
        lock(uv, "app", constraints=["dep==1.0"])
    assert "dep==1.0: what the old image ran" in caught.value.hint


@pytest.mark.parametrize(
    ("line", "kind", "words"),
    [
        ("app=>1", BadRequirement, "is not a requirement"),
        ("app @ https://host/app-1-py3-none-any.whl", Unsupported, "comes from a URL"),
        ("missing", BadRequirement, "missing was not found"),
        ("app==9", BadRequirement, "no version of app==9"),
    ],
)
def test_bad_requirements_get_a_sentence(uv, index, line, kind, words):
    index.wheel("app")
    with pytest.raises(kind, match=words):
        lock(uv, line)


def test_a_named_index_is_named_in_the_lock_and_asked_first(make_uv, index, tmp_path):
    own = Index(tmp_path / "own")
    own.wheel("app", "1.0", files={"app.py": b"ours"})
    index.wheel("app", "2.0")
    index.wheel("dep")
    uv = make_uv(indexes={"corp": own.url})
    found = lock(uv, "app", "dep", indexes=["corp"])
    assert {one.name: one.index for one in found.distributions} == {"app": "corp", "dep": "default"}
    assert put(uv, found, tmp_path / "out")["app"][f"{SITE}/app.py"].source.read_bytes() == b"ours"
    assert versions(lock(uv, "app")) == {"app": "2.0"}
    with pytest.raises(BadConfig, match=r"no index 'other'.*corp"):
        lock(uv, "app", indexes=["other"])


@pytest.fixture
def cpu(index, tmp_path):
    """A second index that has ``torch`` for the CPU; the default has newer ones for CUDA."""
    own = Index(tmp_path / "cpu")
    for version in ("2.0", "2.1"):
        index.wheel("torch", version, requires=("nvidia-cublas",))
        own.wheel("torch", f"{version}+cpu")
    index.wheel("torch", "3.0", requires=("nvidia-cublas",))
    index.wheel("nvidia_cublas")
    index.wheel("app", requires=("torch",))
    own.wheel("app", "9.0")
    return own


TORCH = (("torch", "cpu"),)


def lock_cpu(uv, *requirements, **more):
    job = Job(requirements, "3.11", AMD, **{"sources": TORCH, **more})
    return lock_many(uv, [job])[0]


def test_what_has_a_source_comes_from_there_and_nothing_else_does(make_uv, cpu, tmp_path):
    uv = make_uv(indexes={"cpu": cpu.url})
    for declared in (("app",), ("app", "torch>=2")):
        found = lock_cpu(uv, *declared)
        assert versions(found) == {"app": "1.0", "torch": "2.1+cpu"}
        assert [one.index for one in found.distributions] == ["default", "cpu"]
        assert str(cpu.root) not in found.model_dump_json()
    assert "torch" in put(uv, found, tmp_path / "out")
    assert versions(lock_cpu(uv, "app", sources=())).keys() == {"app", "torch", "nvidia-cublas"}
    assert lock_cpu(uv, "nvidia-cublas", "torch; sys_platform == 'win32'").distributions[1:] == ()


@pytest.mark.parametrize("ran", ["2.0", "2.0+cu118"])
def test_a_source_changes_the_build_and_not_the_version(make_uv, cpu, ran):
    uv = make_uv(indexes={"cpu": cpu.url})
    assert versions(lock_cpu(uv, f"torch=={ran}")) == {"torch": "2.0+cpu"}
    assert versions(lock_cpu(uv, "app", constraints=(f"torch=={ran}",)))["torch"] == "2.0+cpu"
    before = lock(uv, "app", "torch==2.0")
    kept = lock_cpu(uv, "app", existing=before)
    assert versions(kept)["torch"] == "2.0+cpu"
    assert versions(lock_cpu(uv, "app", "torch<9", existing=kept))["torch"] == "2.0+cpu"
    fresh = lock_cpu(uv, "app", existing=kept, upgrade=frozenset({"torch"}))
    assert versions(fresh)["torch"] == "2.1+cpu"


def test_a_version_that_the_source_lacks_is_refused_with_its_name(make_uv, cpu):
    uv = make_uv(indexes={"cpu": cpu.url})
    with pytest.raises(BadRequirement) as caught:
        lock_cpu(uv, "torch==3.0")
    assert "torch comes from index 'cpu' alone" in caught.value.hint


# --- installing --------------------------------------------------------------------------------


def test_files_land_where_an_environment_has_them(uv, index, tmp_path):
    index.wheel(
        "app",
        files={
            "app/__init__.py": b"def main(): pass\n",
            "app-1.0.dist-info/entry_points.txt": b"[console_scripts]\nrun-app = app:main\n",
            "app-1.0.data/scripts/tool": b"#!python\nprint(1)\n",
            "app-1.0.data/scripts/shell": b"#!/bin/sh\ntrue\n",
            "app-1.0.data/data/etc/app.conf": b"x",
        },
    )
    files = put(uv, lock(uv, "app"), tmp_path / "out", environment="/venv")["app"]
    assert sorted(files) == [
        "bin/run-app",
        "bin/shell",
        "bin/tool",
        "etc/app.conf",
        f"{SITE}/app-1.0.dist-info/METADATA",
        f"{SITE}/app-1.0.dist-info/RECORD",
        f"{SITE}/app-1.0.dist-info/WHEEL",
        f"{SITE}/app-1.0.dist-info/entry_points.txt",
        f"{SITE}/app/__init__.py",
    ]
    assert files["bin/run-app"].source.read_bytes().startswith(b"#!/venv/bin/python3\n")
    assert files["bin/tool"].source.read_bytes() == b"#!/venv/bin/python3\nprint(1)\n"
    assert files["bin/shell"].source.read_bytes() == b"#!/bin/sh\ntrue\n"
    assert all(files[f"bin/{name}"].executable for name in ("run-app", "tool", "shell"))
    assert not files["etc/app.conf"].executable
    check_truth(files)


def check_truth(files):
    """Sizes, hashes and RECORD are those of the sources."""
    for path, file in files.items():
        data = file.source.read_bytes()
        assert len(data) == file.size, path
        if path.endswith("/RECORD"):
            assert file.sha256 == ""
            assert data.count(b"\n") == len(files)
        else:
            assert hashlib.sha256(data).hexdigest() == file.sha256, path


def test_two_distributions_that_write_one_path_keep_their_own(uv, index, tmp_path):
    for name in ("one", "two"):
        index.wheel(name, files={"ns/__init__.py": name.encode(), f"ns/{name}.py": b""})
    done = put(uv, lock(uv, "one", "two"), tmp_path / "out")
    for name in ("one", "two"):
        assert done[name][f"{SITE}/ns/__init__.py"].source.read_bytes() == name.encode()
        check_truth(done[name])


def test_two_versions_of_one_name_can_be_installed_together(uv, index, tmp_path):
    for version in ("1.0", "2.0"):
        index.wheel("app", version)
    both = [lock(uv, f"app=={v}").distributions[0] for v in ("2.0", "1.0")]
    done = install(uv, both, python="3.11", platform=AMD, folder=tmp_path / "out")
    sources = [next(f for f in one.files if f.path.endswith("app.py")).source for one in done]
    assert [source.read_bytes() for source in sources] == [b"2.0", b"1.0"]


def test_two_cold_caches_install_the_same(make_uv, index, tmp_path):
    index.wheel("app", files={"app.py": b"1", "app-1.0.data/scripts/x": b"#!python\n"})
    index.sdist("pure")
    found = lock(make_uv("one"), "app", "pure")
    trees = [
        {
            name: [(f.path, f.size, f.sha256, f.executable) for f in files.values()]
            for name, files in put(make_uv(cache), found, tmp_path / f"out-{cache}").items()
        }
        for cache in ("two", "three")
    ]
    assert trees[0] == trees[1]


def test_what_the_cache_holds_needs_no_index(make_uv, index, tmp_path):
    index.wheel("app")
    index.sdist("pure")
    found = lock(make_uv(), "app", "pure")
    put(make_uv(), found, tmp_path / "first")
    gone = make_uv(UV_DEFAULT_INDEX=index.url, UV_OFFLINE="1")
    for file in index.root.glob("*.whl"):
        file.rename(file.with_suffix(".hidden"))
    assert put(gone, found, tmp_path / "second")["app"]


def test_a_changed_file_is_named(make_uv, index, tmp_path):
    file = index.wheel("app").name
    found = lock(make_uv("one"), "app")
    index.wheel("app", files={"app.py": b"tampered"})
    with pytest.raises(DigestMismatch, match=file):
        put(make_uv("two"), found, tmp_path / "out")


def test_a_file_that_left_the_index_is_named(make_uv, index, tmp_path):
    index.wheel("app").unlink()
    index.wheel("app", "2.0")
    found = lock(make_uv("one"), "app")
    index.wheel("app", "2.0").unlink()
    index.wheel("app", "3.0")
    with pytest.raises(NotFound, match=r"app-2\.0-py3-none-any\.whl"):
        put(make_uv("two"), found, tmp_path / "out")


def test_modules_restrict_what_is_kept(uv, index, tmp_path):
    index.wheel("app", files={"app/a.py": b"a", "app/b.py": b"b"})
    (whole,) = lock(uv, "app").distributions
    part = whole.model_copy(update={"modules": ("app/a.py",)})
    (done,) = install(uv, [part], python="3.11", platform=AMD, folder=tmp_path / "out")
    files = {file.path: file for file in done.files}
    assert sorted(files) == [f"{SITE}/app-1.0.dist-info/RECORD", f"{SITE}/app/a.py"]
    check_truth(files)


# --- source distributions ----------------------------------------------------------------------


def test_a_pure_sdist_is_built_and_proven(make_uv, index, tmp_path):
    index.sdist("pure")
    index.wheel("app", requires=("pure",))
    uv = make_uv()
    found = lock(uv, "app")
    (pure,) = (one for one in found.distributions if one.name == "pure")
    assert (pure.kind, pure.file, pure.build_requires) == ("sdist", "pure-1.0.tar.gz", ())
    assert len(pure.installed_sha256) == 64
    files = put(uv, found, tmp_path / "out", environment="/elsewhere")["pure"]
    assert f"{SITE}/pure/__init__.py" in files
    lying = pure.model_copy(update={"installed_sha256": "0" * 64})
    with pytest.raises(DigestMismatch, match=r"pure-1\.0\.tar\.gz builds to other files"):
        install(uv, [lying], python="3.11", platform=AMD, folder=tmp_path / "lying")


def test_a_wheel_is_taken_where_an_sdist_was_only_allowed(uv, index):
    index.sdist("kfp_server_api")
    index.wheel("kfp_server_api")
    (found,) = lock(uv, "kfp-server-api").distributions
    assert (found.kind, found.file) == ("wheel", "kfp_server_api-1.0-py3-none-any.whl")


@pytest.fixture
def table(index):
    """An index where the newest ``table`` and its extra need a package that has no wheel."""
    index.wheel("table", "1.0")
    index.wheel("table", "2.0", requires=("odf>=1.4; extra == 'excel'",), extras=("excel",))
    index.wheel("table", "3.0", requires=("odf>=1.4; extra == 'excel'",), extras=("excel",))
    return index


def test_an_extra_that_needs_an_sdist_is_not_lost_to_an_old_version(uv, table):
    table.sdist("odf", "1.4")
    found = lock(uv, "table[excel]")
    assert versions(found) == {"odf": "1.4", "table": "3.0"}
    assert {one.name: one.kind for one in found.distributions} == {"odf": "sdist", "table": "wheel"}


def test_an_extra_whose_sdist_needs_a_compiler_is_refused(uv, table):
    table.sdist("odf", "1.4", tag="cp311-cp311-linux_x86_64")
    with pytest.raises(Unsupported, match=r"odf-1\.4\.tar\.gz"):
        lock(uv, "table[excel]")


def test_a_version_without_the_extra_is_not_kept_to(uv, table):
    first = lock(uv, "table==1.0")
    table.sdist("odf", "1.4")
    assert versions(lock(uv, "table[excel]", existing=first)) == {"odf": "1.4", "table": "3.0"}


def test_an_extra_that_no_version_has_changes_no_version(uv, table):
    assert versions(lock(uv, "table[exel]")) == {"table": "3.0"}


@pytest.mark.parametrize("wanted", ["dep==2.0", "dep>=2,<3", "dep!=1.0", "dep~=2.0"])
def test_whatever_range_is_asked_for_no_package_is_older(uv, index, wanted):
    index.wheel("app", "1.0")
    index.wheel("app", "2.0", requires=(wanted,))
    index.wheel("dep", "1.0")
    index.sdist("dep", "2.0")
    assert versions(lock(uv, "app")) == {"app": "2.0", "dep": "2.0"}


def test_no_package_is_older_because_what_it_needs_has_no_wheel(uv, index):
    index.wheel("app", "1.0")
    index.wheel("app", "2.0", requires=("one>=2", "two>=2"))
    for name in ("one", "two"):
        index.wheel(name, "1.0")
        index.sdist(name, "2.0")
    assert versions(lock(uv, "app")) == {"app": "2.0", "one": "2.0", "two": "2.0"}


def test_what_is_held_back_by_more_than_a_wheel_stays_with_wheels(make_uv, index):
    index.wheel("app", "1.0", requires=("dep",))
    index.wheel("app", "2.0", requires=("dep>=2", "late>=2"))
    index.wheel("dep", "1.0")
    index.sdist("dep", "2.0")
    index.wheel("late", "1.0")
    found = lock(make_uv(), "app")
    assert versions(found) == {"app": "1.0", "dep": "1.0"}


def test_a_package_held_back_by_way_of_another_is_not(uv, index):
    index.wheel("app", "1.0")
    index.wheel("app", "2.0", requires=("middle",))
    index.wheel("app", "3.0", requires=("nowhere",))
    index.wheel("middle", requires=("pure",))
    index.sdist("pure")
    assert versions(lock(uv, "app")) == {"app": "2.0", "middle": "1.0", "pure": "1.0"}


def test_the_newest_version_is_not_passed_over_for_a_build_that_fails(uv, index):
    index.wheel("app", "1.0")
    index.wheel("app", "2.0", requires=("native",))
    index.sdist("native", before="raise SystemExit(1)", static=False)
    with pytest.raises(Unsupported, match=r"native==1\.0 has no wheel"):
        lock(uv, "app")


def test_a_version_between_that_does_not_build_is_passed_over(uv, index):
    index.wheel("app", "1.0")
    index.wheel("app", "2.0", requires=("native",))
    index.wheel("app", "3.0", requires=("nowhere",))
    index.sdist("native", before="raise SystemExit(1)", static=False)
    assert versions(lock(uv, "app")) == {"app": "1.0"}


def test_an_sdist_that_builds_native_code_is_refused(uv, index):
    index.sdist("native", tag="cp311-cp311-linux_x86_64")
    with pytest.raises(Unsupported, match=r"native-1\.0\.tar\.gz"):
        lock(uv, "native")


def test_an_sdist_that_calls_a_compiler_is_refused_on_every_machine(uv, index):
    call = "import subprocess; subprocess.check_call([os.environ['CC'], '--version'])"
    index.sdist("native", before=call)
    with pytest.raises(Unsupported, match="does not build without a compiler"):
        lock(uv, "native")


# --- servers that fail -------------------------------------------------------------------------


@pytest.fixture
def server():
    """A maker of HTTP servers that answer every request with one status; None: never answer."""
    started = []

    def make(status):
        class Answer(BaseHTTPRequestHandler):
            def do_GET(self):
                if status is None:
                    time.sleep(30)
                self.send_response(status or 500)
                self.end_headers()

            def log_message(self, *_):
                pass

        one = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        one.daemon_threads = True
        threading.Thread(target=one.serve_forever, daemon=True).start()
        started.append(one)
        return f"http://me:sekrit@127.0.0.1:{one.server_port}/simple"

    yield make
    for one in started:
        one.shutdown()


@pytest.fixture
def guarded(index):
    """``index`` behind HTTP and a password, telling no sizes in its pages; gives host:port."""

    class Guarded(SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(index.root))

        def do_GET(self):
            given = self.headers.get("Authorization", "")
            if given == "Basic " + base64.b64encode(b"me:sek/rit").decode():
                return super().do_GET()
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.end_headers()
            return None

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Guarded)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()


def test_an_index_behind_a_password(make_uv, index, guarded, tmp_path):
    wheel, source = index.wheel("app", requires=("pure",)), index.sdist("pure")
    uv = make_uv(
        indexes={"corp": f"http://{guarded}/simple"},
        UV_DEFAULT_INDEX=f"file://{tmp_path}",
        UV_INDEX_CORP_USERNAME="me",
        UV_INDEX_CORP_PASSWORD="sek/rit",
    )
    found = lock(uv, "app", indexes=["corp"])
    assert {one.file: (one.content_bytes, one.index) for one in found.distributions} == {
        wheel.name: (wheel.stat().st_size, "corp"),
        source.name: (source.stat().st_size, "corp"),
    }
    assert "sek" not in found.model_dump_json()
    assert set(put(uv, found, tmp_path / "out")) == {"app", "pure"}


@pytest.mark.parametrize(
    ("status", "kind"), [(401, AuthError), (403, AuthError), (500, FetchError)]
)
def test_an_index_that_fails(make_uv, server, status, kind):
    uv = make_uv(UV_DEFAULT_INDEX=server(status), UV_HTTP_RETRIES="0")
    with pytest.raises(kind) as caught:
        lock(uv, "app")
    assert "sekrit" not in f"{caught.value.message}{caught.value.hint}{caught.value.__cause__}"


def test_an_index_that_is_not_there(make_uv):
    uv = make_uv(UV_DEFAULT_INDEX="http://127.0.0.1:9/simple", UV_HTTP_RETRIES="0")
    with pytest.raises(FetchError, match="cannot be reached"):
        lock(uv, "app")


def test_stop_ends_a_uv_that_hangs(make_uv, server):
    uv = make_uv(UV_DEFAULT_INDEX=server(None))
    failed = []

    def work():
        try:
            lock(uv, "app")
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.5)
    began = time.monotonic()
    uv.stop()
    thread.join(10)
    assert not thread.is_alive()
    assert time.monotonic() - began < 5
    assert failed


SLOW = """
import sys
from pathlib import Path
from kfslim.cache import Cache
from kfslim.lock.resolve import resolve
from kfslim.lock.uv import Uv
from kfslim.oci.image import Platform
uv = Uv(Cache(Path(sys.argv[1])))
resolve(uv, ["app"], python="3.11", platform=Platform())
"""


def test_ctrl_c_ends_uv_too(make_uv, server, tmp_path):
    settings = make_uv(UV_DEFAULT_INDEX=server(None)).environ
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, tmp_path / "interrupted"],
        env=settings,
        stderr=subprocess.PIPE,
        text=True,
    )
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        process.kill()
        pytest.skip("this kernel does not list children")
    time.sleep(2)
    uvs = [
        pid
        for task in children.parents[1].iterdir()
        for pid in (task / "children").read_text().split()
    ]
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert "KeyboardInterrupt" in errors
    assert uvs
    assert not any(Path(f"/proc/{pid}").exists() for pid in uvs)
    assert not list((tmp_path / "interrupted" / "scratch").iterdir())


# --- the environment ---------------------------------------------------------------------------


def test_settings_of_the_users_own_work_do_not_leak_in(make_uv, index, tmp_path, monkeypatch):
    for version in ("1.0", "2.0"):
        index.wheel("app", version)
    constraint = tmp_path / "constraint.txt"
    constraint.write_text("app<2\n")
    (tmp_path / "uv.toml").write_text('[pip]\nresolution = "lowest"\n')
    monkeypatch.chdir(tmp_path)
    uv = make_uv(
        UV_CONSTRAINT=str(constraint),
        UV_RESOLUTION="lowest",
        UV_TARGET=str(tmp_path / "target"),
        UV_NO_CONFIG="false",
        HOME=str(tmp_path / "home"),
    )
    assert versions(lock(uv, "app")) == {"app": "2.0"}
    assert not (tmp_path / "target").exists()
