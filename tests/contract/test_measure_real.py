"""Measuring what others packed: GNU tar, gzip, this machine's own packages."""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from parts.need import program

from kfslim.measure import measure
from kfslim.oci.digest import digest_of
from kfslim.oci.image import OCI_LAYER_GZIP, Descriptor, FileSource, Image, Layer, Platform

SITE = Path(sysconfig.get_paths()["purelib"])
PACKAGES = ("packaging", "pydantic", "click", "requests", "PyYAML", "pytest", "urllib3", "certifi")


def layer_of(tar: Path) -> Layer:
    """Compress with gzip in two members, as parallel compressors do."""
    data = tar.read_bytes()
    half = len(data) // 2
    gzip = program("gzip")
    parts = [
        subprocess.run([gzip, "-nc"], input=part, capture_output=True, check=True).stdout
        for part in (data[:half], data[half:])
    ]
    blob = tar.with_suffix(".gz")
    blob.write_bytes(b"".join(parts))
    descriptor = Descriptor(OCI_LAYER_GZIP, digest_of(blob.read_bytes()), blob.stat().st_size)
    return Layer(descriptor, digest_of(data), FileSource(str(blob)))


def image_of(*tars: Path, **runtime: object) -> Image:
    layers = [layer_of(tar) for tar in tars]
    image = Image.empty(Platform()).with_layers(layers, [{"created_by": t.name} for t in tars])
    return image.with_config(**runtime)  # type: ignore[arg-type]


@pytest.mark.parametrize("format", ["gnu", "pax", "ustar"])
def test_distributions_are_those_that_importlib_finds(tmp_path: Path, format: str) -> None:
    tree = tmp_path / "usr/local/lib/python3.11/site-packages"
    expected = {}
    for name in PACKAGES:
        found = importlib.metadata.distribution(name)
        files = [f for f in found.files or () if ".." not in f.parts and (SITE / f).is_file()]
        for file in files:
            (tree / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(SITE / file, tree / file)
        size = sum((SITE / f).stat().st_size for f in files)
        expected[str(canonicalize_name(name))] = (found.version, size)
    tar = tmp_path / "layer.tar"
    command = [program("tar"), f"--format={format}", "-C", str(tmp_path), "-cf", str(tar), "./usr"]
    subprocess.run(command, check=True)
    measured = measure(image_of(tar))
    assert measured.disk_bytes == sum(p.stat().st_size for p in tree.rglob("*") if p.is_file())
    assert {d.name: d.version for d in measured.distributions} == {
        name: version for name, (version, _) in expected.items()
    }
    for found in measured.distributions:
        # bytecode that ran here since is the source's owner's, too
        assert found.disk_bytes >= expected[found.name][1]
    assert "yaml" in next(d for d in measured.distributions if d.name == "pyyaml").imports
    assert next(d for d in measured.distributions if d.name == "urllib3").direct is False


def test_os_packages_are_those_that_dpkg_finds(tmp_path: Path) -> None:
    query, names = program("dpkg-query"), ("dash", "coreutils", "libc6")
    info = Path("/var/lib/dpkg/info")
    listed = [info / f for n in names for f in (f"{n}.list", f"{n}:amd64.list", f"{n}:arm64.list")]
    lists = [path for path in listed if path.is_file()]
    if len(lists) != len(names):
        pytest.skip("this machine's dpkg does not list dash, coreutils and libc6")
    files = {str(Path(f).resolve()) for path in lists for f in path.read_text().splitlines()
             if Path(f).is_file() and not Path(f).is_symlink()}  # fmt: skip
    (tmp_path / "files").write_text("\n".join(["/var/lib/dpkg/status", *map(str, lists), *files]))
    links = ["/bin", "/lib"] if Path("/bin").is_symlink() else []
    tar = tmp_path / "layer.tar"
    command = [program("tar"), "-C", "/", "-cf", str(tar), "-T", str(tmp_path / "files"), *links]
    subprocess.run(command, check=True, capture_output=True)
    measured = {p.name: p for p in measure(image_of(tar)).os_packages}
    shown = subprocess.run([query, "-W", "-f", "${Package} ${Version} ${Status}\n"],
                           capture_output=True, text=True, check=True).stdout  # fmt: skip
    versions = dict(ln.split()[:2] for ln in shown.splitlines() if ln.endswith(" installed"))
    assert {name: p.version for name, p in measured.items()} == versions
    total = sum(Path(f).stat().st_size for f in files)
    assert sum(measured[name].disk_bytes for name in names) == total
