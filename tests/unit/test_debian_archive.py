"""From a signed archive on a web server to an image, twice."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest
from parts.check_image import check_image
from parts.debian import Archive, Served, add_base, make_deb, serve

from kfslim.build.debian import archive as archives
from kfslim.build.debian.added import added_layer, read_foundation, resolve_added
from kfslim.build.debian.base import RECIPE, assemble_base, python_of, resolve_base
from kfslim.build.debian.sources import DebianSettings, Mirror
from kfslim.cache import Cache
from kfslim.errors import BadImage, DigestMismatch, FetchError, NotFound, Unsupported
from kfslim.oci.codec import open_tar
from kfslim.oci.compress import current_codec
from kfslim.oci.extract import final_tree, read_files
from kfslim.oci.image import Image, Layer, Platform

AMD64 = Platform("linux", "amd64")


@pytest.fixture
def served(tmp_path: Path):
    archive = Archive(tmp_path / "archive")
    add_base(archive)
    archive.add(make_deb("libx1", files={"usr/lib/x86_64-linux-gnu/libx.so.1": b"x"}))
    archive.add(
        make_deb(
            "app",
            files={"bin/app": b"app", "usr/share/man/man1/app.1": b"manual"},
            scripts={
                "postinst": "#!/bin/sh\nupdate-alternatives --install /usr/bin/a a /bin/app 1"
            },
            Depends="libx1, libc6",
        )
    )
    archive.add(make_deb("daemon", scripts={"postinst": "#!/bin/sh\nadduser daemon"}))
    archive.publish()
    with serve(archive) as running:
        yield running


def opened(served: Served, tmp_path: Path, cache: str = "cache") -> archives.Archive:
    return archives.Archive("bookworm", AMD64, served.settings, Cache(tmp_path / cache))


def base_of(archive: archives.Archive, **kwargs) -> Image:
    packages = resolve_base(archive)
    return assemble_base(
        packages, AMD64, fetch=archive.fetch, cache=archive.cache, codec=current_codec(), **kwargs
    )


def files_of(image: Image) -> dict[str, bytes]:
    return read_files(image, lambda _path: True)


def test_a_base_has_what_its_packages_need_and_nothing_for_installing(served, tmp_path):
    packages = resolve_base(opened(served, tmp_path))
    names = [package.name for package in packages]
    assert names == sorted(names)
    assert {"python3.11", "dash", "libc6", "media-types"} <= set(names)
    assert not {"debconf", "openssl", "debianutils", "app", "python3"} & set(names)
    assert python_of(packages) == "3.11"


def test_another_python_is_refused(served, tmp_path):
    with pytest.raises(Unsupported, match=r"carries Python 3\.11, not 3\.12"):
        resolve_base(opened(served, tmp_path), "3.12")


def test_the_image_is_sound_and_the_effects_are_there(served, tmp_path):
    image = base_of(opened(served, tmp_path))
    check_image(None, image, ours=True)
    files, tree = files_of(image), final_tree(image)
    links = {path: node for path, node in tree.walk() if isinstance(node, str)}
    assert files["etc/ssl/certs/ca-certificates.crt"] == b"-----A-----\n-----B-----\n"
    assert files["usr/bin/dash"] == b"dash"
    assert b"nonroot:x:65532:65532" in files["etc/passwd"]
    assert files["etc/profile"] == b"PATH=/bin\n"
    assert files["etc/timezone"] == b"Etc/UTC\n"
    assert files["etc/ld.so.cache"].startswith(b"glibc-ld.so.cache1.1")
    wanted = {
        "bin": "usr/bin",
        "lib64": "usr/lib64",
        "usr/bin/sh": "dash",
        "usr/bin/python3": "python3.11",
        "usr/bin/python": "python3",
        "usr/lib/ssl/cert.pem": "/etc/ssl/certs/ca-certificates.crt",
        "var/run": "/run",
    }
    assert wanted.items() <= links.items()
    assert image.env["PATH"].startswith("/usr/local/sbin:")
    assert "User" not in image.runtime


def test_the_package_database_lists_what_lies_in_the_image(served, tmp_path):
    files = files_of(base_of(opened(served, tmp_path)))
    listed = files["var/lib/dpkg/info/base-files.list"].decode().split()
    assert listed[0] == "/."
    assert "/usr/share/doc/base-files/copyright" in listed
    assert "/usr/share/doc/base-files/README" not in listed
    sums = files["var/lib/dpkg/info/base-files.md5sums"].decode()
    assert "copyright" in sums and "README" not in sums
    status = files["var/lib/dpkg/status"].decode()
    assert "Package: dash\nStatus: install ok installed\nVersion: 1.0\n" in status


def test_the_same_bytes_from_two_cold_caches_and_at_another_time(served, tmp_path):
    first, second = opened(served, tmp_path, "a"), opened(served, tmp_path, "b")
    packages = resolve_base(first)
    served.archive.add(make_deb("dash", "2.0", {"bin/dash": b"newer"}))
    served.archive.publish()
    images = [
        assemble_base(packages, AMD64, fetch=a.fetch, cache=a.cache, codec=current_codec())
        for a in (first, second)
    ]
    assert images[0].digest == images[1].digest
    assert images[0].layers[0].diff_id == images[1].layers[0].diff_id


def test_the_bytes_of_a_base_change_only_with_the_recipe(served, tmp_path):
    image = base_of(opened(served, tmp_path))
    golden = {2: "sha256:0d36988f6a4fed270ce1625ebfb5d01dca835ab33cca1c1b137ca97385a787c3"}
    assert image.layers[0].diff_id == golden[RECIPE], "count RECIPE up, and write the new one here"


def test_a_second_run_asks_nobody(served, tmp_path):
    first = base_of(opened(served, tmp_path))
    before = len(served.requests)
    second = base_of(opened(served, tmp_path))
    assert (second.digest, len(served.requests)) == (first.digest, before)


def test_an_old_answer_is_revalidated_with_one_request_a_suite(served, tmp_path, monkeypatch):
    base_of(opened(served, tmp_path))
    served.requests.clear()
    monkeypatch.setattr("kfslim.build.debian.release.FRESH", 0.0)
    base_of(opened(served, tmp_path))
    assert {path.rpartition("/")[2] for path in served.requests} == {"InRelease"}
    assert len(served.requests) == 3


def test_a_package_that_the_mirror_has_no_more(served, tmp_path):
    packages = resolve_base(opened(served, tmp_path))
    (served.archive.folder / "pool" / "dash_1.0.deb").unlink()
    served.archive.stanzas = [s for s in served.archive.stanzas if "Package: dash\n" not in s]
    served.archive.publish()
    late = opened(served, tmp_path, "late")
    with pytest.raises(NotFound, match=r"has dash 1\.0 no more"):
        assemble_base(packages, AMD64, fetch=late.fetch, cache=late.cache, codec=current_codec())


def test_packages_of_a_plan_are_fetched_without_an_index(served, tmp_path):
    packages = resolve_base(opened(served, tmp_path))
    served.requests.clear()
    opened(served, tmp_path, "late").fetch(packages)
    assert sorted(served.requests) == sorted(f"/{package.path}" for package in packages)


def test_packages_that_a_mirror_keeps_elsewhere_are_found_by_the_index(served, tmp_path):
    packages = resolve_base(opened(served, tmp_path))
    pool, other = served.archive.folder / "pool", served.archive.folder / "other"
    other.mkdir()
    (pool / "dash_1.0.deb").rename(other / "dash.deb")
    (pool / "netbase_1.0.deb").rename(other / "netbase.deb")
    (pool / "netbase_1.0.deb").write_bytes((other / "netbase.deb").read_bytes()[:-1] + b"!")
    moved = {"pool/dash_1.0.deb": "other/dash.deb", "pool/netbase_1.0.deb": "other/netbase.deb"}
    for before, now in moved.items():
        served.archive.stanzas = [s.replace(before, now) for s in served.archive.stanzas]
    served.archive.publish()
    files = opened(served, tmp_path, "late").fetch(packages)
    assert files.keys() == {package.name for package in packages}


def test_packages_of_a_plan_without_paths_give_the_same_base(served, tmp_path):
    archive, late = opened(served, tmp_path), opened(served, tmp_path, "late")
    packages = tuple(p.model_copy(update={"path": ""}) for p in resolve_base(archive))
    again = assemble_base(
        packages, AMD64, fetch=late.fetch, cache=late.cache, codec=current_codec()
    )
    assert again.digest == base_of(archive).digest


def test_a_package_with_an_odd_file_name_is_planned_without_its_path(served, tmp_path):
    served.archive.stanzas = [
        s.replace("Filename: pool/", "Filename: ./pool/") for s in served.archive.stanzas
    ]
    served.archive.publish()
    archive = opened(served, tmp_path)
    packages = resolve_base(archive)
    assert {package.path for package in packages} == {""}
    assert archive.fetch(packages)


def test_a_package_that_the_index_lists_and_the_mirror_lacks(served, tmp_path):
    archive = opened(served, tmp_path)
    packages = resolve_base(archive)
    (served.archive.folder / "pool" / "dash_1.0.deb").unlink()
    with pytest.raises(NotFound, match=r"has dash 1\.0 no more"):
        archive.fetch(packages)


def test_a_package_that_was_changed_on_the_mirror(served, tmp_path):
    archive = opened(served, tmp_path)
    packages = resolve_base(archive)
    path = served.archive.folder / "pool" / "dash_1.0.deb"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(DigestMismatch):
        archive.fetch(packages)


def test_an_index_that_was_changed_on_the_mirror(served, tmp_path):
    for path in served.archive.folder.rglob("Packages.xz"):
        path.write_bytes(path.read_bytes()[:-1] + b"!")
    for path in served.archive.folder.rglob("by-hash/SHA256/*"):
        path.unlink()
    with pytest.raises(DigestMismatch):
        resolve_base(opened(served, tmp_path))


def test_a_suite_that_no_mirror_has(served, tmp_path):
    archive = archives.Archive("trixie", AMD64, served.settings, Cache(tmp_path / "cache"))
    with pytest.raises(NotFound, match="no mirror has a Debian suite trixie"):
        resolve_base(archive)


def test_a_mirror_that_does_not_answer(served, tmp_path, monkeypatch):
    monkeypatch.setattr("kfslim.net.time.sleep", lambda _seconds: None)
    settings = DebianSettings((Mirror("http://127.0.0.1:9"),), served.archive.keyring)
    with pytest.raises(FetchError):
        resolve_base(archives.Archive("bookworm", AMD64, settings, Cache(tmp_path / "cache")))


class Notes:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)


def test_missing_security_updates_are_said(served, tmp_path):
    archive, notes = opened(served, tmp_path), Notes()
    archive.progress = notes  # type: ignore[assignment]
    assert archive.releases
    assert "no security updates" in notes.lines[0]
    (tmp_path / "cache").rename(tmp_path / "away")
    served.archive.publish("bookworm-security")
    archive, notes = opened(served, tmp_path), Notes()
    archive.progress = notes  # type: ignore[assignment]
    assert len(archive.releases) == 2
    assert not notes.lines


def test_bytecode_is_a_layer_of_its_own(served, tmp_path):
    asked: dict[str, bytes] = {}

    def compile_sources(image: Image, sources):
        asked.update(sources)
        return {path + "c": b"pyc" for path in sources}

    archive = opened(served, tmp_path)
    plain, compiled = base_of(archive), base_of(archive, compile_sources=compile_sources)
    assert asked == {"usr/lib/python3.11/json/__init__.py": b"x = 1\n"}
    assert compiled.layers[0] == plain.layers[0]
    assert files_of(compiled)["usr/lib/python3.11/json/__init__.pyc"] == b"pyc"
    check_image(None, compiled, ours=True)


def add(image: Image, archive: archives.Archive, *names: str) -> tuple[Image, Layer]:
    foundation = read_foundation(image)
    packages = resolve_added(archive, names, foundation)
    layer, line = added_layer(
        foundation, packages, fetch=archive.fetch, cache=archive.cache, codec=current_codec()
    )
    return image.with_layers([layer], [{"created_by": line}]), layer


def test_packages_are_added_to_a_base(served, tmp_path):
    archive = opened(served, tmp_path)
    base = base_of(archive)
    image, layer = add(base, archive, "app")
    check_image(None, image, ours=True)
    with tarfile.open(fileobj=io.BytesIO(_plain(layer))) as tar:
        names = set(tar.getnames())
    assert {"usr/bin/app", "usr/lib/x86_64-linux-gnu/libx.so.1"} <= names
    assert not {"bin", "lib", "usr/bin/dash", "usr/share/man/man1/app.1"} & names
    files = files_of(image)
    status = files["var/lib/dpkg/status"].decode()
    assert [line for line in status.splitlines() if line in ("Package: app", "Package: dash")]
    assert status.count("Package: ") == len(resolve_base(archive)) + 2
    assert "/bin/app" in files["var/lib/dpkg/info/app.list"].decode().split()
    assert final_tree(image).get("usr/bin/a") == "/etc/alternatives/a"
    assert image.config["history"][-1]["created_by"] == "kfslim: Debian packages app, libx1"


def _plain(layer: Layer) -> bytes:
    with open_tar(layer) as tar:
        return b"".join(iter(lambda: tar.read(1 << 20), b""))


def test_nothing_is_added_where_all_is_there(served, tmp_path):
    archive = opened(served, tmp_path)
    assert resolve_added(archive, ["dash"], read_foundation(base_of(archive))) == ()


def test_a_package_that_does_more_is_refused_by_name(served, tmp_path):
    archive = opened(served, tmp_path)
    with pytest.raises(Unsupported, match=r"Debian package daemon .*it runs adduser"):
        add(base_of(archive), archive, "daemon")


def test_a_base_without_a_package_database(served, tmp_path):
    with pytest.raises(Unsupported, match="no dpkg database"):
        read_foundation(Image.empty(AMD64))


def test_a_base_of_another_suite(served, tmp_path):
    archive = opened(served, tmp_path)
    foundation = read_foundation(base_of(archive))
    archive.suite = "trixie"
    with pytest.raises(Unsupported, match="cannot go on bookworm"):
        resolve_added(archive, ["app"], foundation)


def test_packages_without_a_python_are_no_base():
    with pytest.raises(BadImage, match="no Python"):
        python_of(())


def test_dpkg_reads_the_database(served, tmp_path):
    import shutil

    if not shutil.which("dpkg-query"):
        pytest.skip("dpkg-query is not installed")
    for path, data in files_of(base_of(opened(served, tmp_path))).items():
        if path.startswith("var/lib/dpkg/"):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(data)
    (tmp_path / "var/lib/dpkg/updates").mkdir()
    command = ["dpkg-query", f"--admindir={tmp_path}/var/lib/dpkg"]
    listed = subprocess.run([*command, "-W"], capture_output=True, text=True, check=True).stdout
    assert "dash\t1.0" in listed.splitlines()
    owner = subprocess.run(
        [*command, "-S", "/bin/dash"], capture_output=True, text=True, check=True
    ).stdout
    assert owner.startswith("dash: ")
