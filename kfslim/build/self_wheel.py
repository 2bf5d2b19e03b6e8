"""kfslim's own distribution as a wheel, made of the files that are running.

An installed release and a checkout give the same kind of wheel, so kfslim can put itself into an
image wherever it runs, without a build backend.  Members are stored in order and without times: the
same files give the same hash.
"""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from kfslim.errors import ToolError
from kfslim.files import disk_errors

NAME = "kfslim"
# Parts that lie elsewhere in a checkout, and below the package once installed.
_MAPPED = ("components", "pipelines")
_SUFFIXES = {".py", ".typed", ".html", ".css", ".js", ".yaml", ".json", ".md"}
# What it is called in the wheel -> what an installed distribution, or a checkout, calls it.
_PAPERS = {"METADATA": ("METADATA", "PKG-INFO"), "entry_points.txt": ("entry_points.txt",)}
_WHEEL = b"Wheel-Version: 1.0\nGenerator: kfslim\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@dataclass(frozen=True)
class OwnWheel:
    """kfslim's wheel in an index of its own: ``url`` is what a resolver is told."""

    url: str
    version: str
    content_bytes: int


def write_own_wheel(folder: Path) -> OwnWheel:
    """Write kfslim's wheel below ``folder``, with an index (PEP 503) that offers it.

    Raises:
        ToolError: kfslim runs without being installed, so nobody knows what it requires.
        DiskError: its files cannot be read, or ``folder`` cannot be written.
    """
    own = _own_distribution()
    path = folder / f"{NAME}-{own.version}-py3-none-any.whl"
    with disk_errors("packing kfslim itself"):
        _write(path, dict(sorted({**_sources(), **_papers(own)}.items())), own.version)
        data = path.read_bytes()
        page = folder / "simple" / NAME / "index.html"
        page.parent.mkdir(parents=True)
        link = f"../../{path.name}#sha256={hashlib.sha256(data).hexdigest()}"
        page.write_text(
            f'<!DOCTYPE html><html><body><a href="{link}">{path.name}</a></body></html>'
        )
    return OwnWheel(f"{folder.absolute().as_uri()}/simple", own.version, len(data))


def _own_distribution() -> Distribution:
    try:
        return distribution(NAME)
    except PackageNotFoundError as error:
        raise ToolError("kfslim is not installed here", hint="pip install kfslim") from error


def _sources() -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for name, folder in _roots():
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            if path.suffix in _SUFFIXES and "__pycache__" not in inside.parts and path.is_file():
                found[f"{name}/{inside.as_posix()}"] = path.read_bytes()
    return found


def _roots() -> Iterator[tuple[str, Path]]:
    yield NAME, Path(__file__).parents[1]
    for part in _MAPPED:
        spec = find_spec(f"{NAME}.{part}")
        for place in (spec.submodule_search_locations or ()) if spec else ():
            yield f"{NAME}/{part}", Path(place)


def _papers(own: Distribution) -> dict[str, bytes]:
    info = f"{NAME}-{own.version}.dist-info"
    found = {f"{info}/WHEEL": _WHEEL}
    for name, sources in _PAPERS.items():
        text = next(filter(None, map(own.read_text, sources)), None)
        if text is None:
            raise ToolError(f"kfslim is installed without its {name}", hint="Install it again.")
        found[f"{info}/{name}"] = text.encode()
    return found


def _write(path: Path, files: Mapping[str, bytes], version: str) -> None:
    record = f"{NAME}-{version}.dist-info/RECORD"
    lines = [f"{name},{_recorded(data)}\n" for name, data in files.items()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(_entry(name), data)
        archive.writestr(_entry(record), "".join([*lines, f"{record},,\n"]))


def _recorded(data: bytes) -> str:
    raw = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"sha256={raw},{len(data)}"


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)  # its time is the beginning of 1980
    entry.external_attr = 0o100644 << 16
    return entry
