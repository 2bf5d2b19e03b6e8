"""Which Python an image carries."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping

import pytest

from kfslim.measure import measure
from kfslim.measure.model import PythonMeasure
from kfslim.oci.digest import digest_of
from kfslim.oci.image import OCI_LAYER_GZIP, BytesSource, Descriptor, Image, Layer, Platform

LINK = "-> "
STDLIB = "encodings/__init__.py"


def python_of(files: Mapping[str, str], **runtime: object) -> PythonMeasure | None:
    """Measure an image of one layer; a payload ``-> x`` is a symlink to x."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path, text in files.items():
            info = tarfile.TarInfo(path)
            if text.startswith(LINK):
                info.type, info.linkname = tarfile.SYMTYPE, text.removeprefix(LINK)
                archive.addfile(info)
            else:
                info.size = len(text)
                archive.addfile(info, io.BytesIO(text.encode()))
    blob = gzip.compress(out.getvalue())
    layer = Layer(
        Descriptor(OCI_LAYER_GZIP, digest_of(blob), len(blob)),
        digest_of(out.getvalue()),
        BytesSource(blob),
    )
    image = Image.empty(Platform()).with_layers([layer], [{"created_by": "x"}])
    return measure(image.with_config(**runtime)).python  # type: ignore[arg-type]


DEBIAN = {
    "bin": "-> usr/bin",
    "lib": "-> usr/lib",
    "lib64": "-> usr/lib64",
    "usr/lib64/ld-linux-x86-64.so.2": "-> /lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
    "usr/bin/python3": "-> python3.11",
    "usr/bin/python3.11": "ELF",
    f"usr/lib/python3.11/{STDLIB}": "",
    "usr/lib/python3/dist-packages/apt.py": "",
    "var/lib/dpkg/status": "Package: python3.11-minimal\n"
    "Status: install ok installed\nVersion: 3.11.2-6+deb12u4\n",
}


def test_debians_python() -> None:
    found = python_of(DEBIAN)
    assert found == PythonMeasure(
        version="3.11.2",
        executable="/usr/bin/python3",
        interpreter="/usr/bin/python3.11",
        site_dirs=("/usr/lib/python3/dist-packages",),
        libc="glibc",
    )


def test_debians_python_without_any_site_directory() -> None:
    files = {p: t for p, t in DEBIAN.items() if "dist-packages" not in p}
    found = python_of(files)
    assert found is not None
    assert found.site_dirs == ("/usr/local/lib/python3.11/dist-packages",)


OFFICIAL = {
    **DEBIAN,
    "usr/local/bin/python3": "-> python3.12",
    "usr/local/bin/python3.12": "ELF",
    f"usr/local/lib/python3.12/{STDLIB}": "",
    "usr/local/lib/python3.12/site-packages/x.py": "",
}


def test_the_official_image_by_path_and_environment() -> None:
    found = python_of(OFFICIAL, Env=["PATH=/usr/local/bin:/usr/bin", "PYTHON_VERSION=3.12.4"])
    assert found is not None
    assert (found.version, found.executable) == ("3.12.4", "/usr/local/bin/python3")
    assert found.site_dirs == ("/usr/local/lib/python3.12/site-packages",)


def test_an_environment_of_another_minor_version_is_not_believed() -> None:
    found = python_of(OFFICIAL, Env=["PYTHON_VERSION=3.9.1"])
    assert found is not None
    assert found.version == "3.12"


def test_the_header_knows_best() -> None:
    header = '#define PY_MAJOR_VERSION\t3\n#define PY_VERSION      \t"3.12.9"\n'
    files = {**OFFICIAL, "usr/local/include/python3.12/patchlevel.h": header}
    found = python_of(files, Env=["PYTHON_VERSION=3.12.4"])
    assert found is not None
    assert found.version == "3.12.9"


@pytest.mark.parametrize("system", ["true", "false"])
def test_a_virtual_environment_first_on_path(system: str) -> None:
    files = {
        **OFFICIAL,
        "opt/venv/pyvenv.cfg": f"home = /usr/local/bin\ninclude-system-site-packages = {system}\n"
        "version = 3.12.1\n",
        "opt/venv/bin/python3": "-> /usr/local/bin/python3",
        "opt/venv/lib/python3.12/site-packages/y.py": "",
    }
    found = python_of(files, Env=["PATH=/opt/venv/bin:/usr/local/bin"])
    assert found is not None
    assert (found.version, found.executable) == ("3.12.1", "/opt/venv/bin/python3")
    assert found.interpreter == "/usr/local/bin/python3.12"
    shared = ("/usr/local/lib/python3.12/site-packages",) if system == "true" else ()
    assert found.site_dirs == ("/opt/venv/lib/python3.12/site-packages", *shared)


def test_wrappers_and_dangling_links_are_passed_over() -> None:
    files = {**DEBIAN, "opt/shims/python3": "#!/bin/sh", "opt/gone/python3": "-> /nowhere"}
    found = python_of(files, Env=["PATH=/opt/gone:/opt/shims:/usr/bin"])
    assert found is not None
    assert found.executable == "/usr/bin/python3"


def test_an_interpreter_without_a_version_in_its_name() -> None:
    files = {
        "opt/conda/bin/python": "ELF",
        f"opt/conda/lib/python3.10/{STDLIB}": "",
        "opt/conda/lib/python3.1/x": "",
        "opt/conda/lib/python3.10/site-packages/x.py": "",
    }
    found = python_of(files, Env=["PATH=/opt/conda/bin"])
    assert found is not None
    assert (found.version, found.site_dirs) == (
        "3.10",
        ("/opt/conda/lib/python3.10/site-packages",),
    )


def test_the_users_own_packages_come_first() -> None:
    files = {**OFFICIAL, "home/me/.local/lib/python3.12/site-packages/z.py": ""}
    found = python_of(files, Env=["HOME=/home/me"])
    assert found is not None
    assert found.site_dirs[0] == "/home/me/.local/lib/python3.12/site-packages"


def test_fedoras_two_libs() -> None:
    files = {
        "usr/bin/python3": "-> python3.9",
        "usr/bin/python3.9": "ELF",
        f"usr/lib64/python3.9/{STDLIB}": "",
        "usr/lib64/python3.9/site-packages/a.so": "",
        "usr/lib/python3.9/site-packages/a.py": "",
    }
    found = python_of(files)
    assert found is not None
    assert found.site_dirs == (
        "/usr/lib64/python3.9/site-packages",
        "/usr/lib/python3.9/site-packages",
    )


def test_no_python() -> None:
    assert python_of({"bin/sh": "ELF", "usr/lib/python3/dist-packages/x.py": ""}) is None
    assert python_of({"usr/bin/python3": "ELF"}) is None
