"""Hand-made wheels and sdists, and a package index of them as a folder (PEP 503)."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BACKEND = """\
import os, pathlib, zipfile, base64, hashlib

def build_wheel(folder, config_settings=None, metadata_directory=None):
    {before}
    name = "{name}-{version}-{tag}.whl"
    files = {{
        "{name}/__init__.py": b"built = True\\n",
        "{name}-{version}.dist-info/METADATA": {metadata!r},
        "{name}-{version}.dist-info/WHEEL": b"Wheel-Version: 1.0\\nGenerator: x\\n"
        b"Root-Is-Purelib: true\\nTag: {tag}\\n",
    }}
    with zipfile.ZipFile(pathlib.Path(folder) / name, "w") as wheel:
        record = ""
        for path, data in files.items():
            wheel.writestr(path, data)
            raw = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record += path + ",sha256=" + raw + "," + str(len(data)) + "\\n"
        own = "{name}-{version}.dist-info/RECORD"
        wheel.writestr(own, record + own + ",,\\n")
    return name
"""


def metadata(
    name: str, version: str, requires: tuple[str, ...] = (), extras: tuple[str, ...] = ()
) -> bytes:
    lines = [f"Requires-Dist: {line}\n" for line in requires]
    lines += [f"Provides-Extra: {extra}\n" for extra in extras]
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{''.join(lines)}".encode()


def recorded(data: bytes) -> str:
    raw = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"sha256={raw},{len(data)}"


class Index:
    """A package index below ``root``; ``url`` is what uv is told."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True)

    @property
    def url(self) -> str:
        return f"file://{self.root}/simple"

    def wheel(
        self,
        name: str,
        version: str = "1.0",
        files: Mapping[str, bytes] | None = None,
        *,
        requires: tuple[str, ...] = (),
        extras: tuple[str, ...] = (),
        tag: str = "py3-none-any",
    ) -> Path:
        """Add a wheel; ``files`` are relative to its root (``x.data/scripts/…`` too)."""
        info = f"{name}-{version}.dist-info"
        content = {
            **(files if files is not None else {f"{name}.py": version.encode()}),
            f"{info}/METADATA": metadata(name, version, requires, extras),
            f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\n"
            f"Tag: {tag}\n".encode(),
        }
        record = "".join(f"{path},{recorded(data)}\n" for path, data in content.items())
        path = self.root / f"{name}-{version}-{tag}.whl"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for inside, data in content.items():
                archive.writestr(_entry(inside), data)
            archive.writestr(_entry(f"{info}/RECORD"), f"{record}{info}/RECORD,,\n")
        self._list(name)
        return path

    def sdist(
        self,
        name: str,
        version: str = "1.0",
        *,
        tag: str = "py3-none-any",
        before: str = "pass",
        static: bool = True,
    ) -> Path:
        """Add an sdist that carries its own build backend; ``before`` runs in it.

        One that is not ``static`` has to be built to know its METADATA.
        """
        info = metadata(name, version)
        backend = BACKEND.format(name=name, version=version, tag=tag, metadata=info, before=before)
        project = f'[project]\nname = "{name}"\nversion = "{version}"\n' if static else ""
        project += (
            '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        )
        path = self.root / f"{name}-{version}.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            for inside, data in {
                "PKG-INFO": info.replace(b"2.1", b"2.2" if static else b"2.1"),
                "pyproject.toml": project.encode(),
                "backend.py": backend.encode(),
            }.items():
                member = tarfile.TarInfo(f"{name}-{version}/{inside}")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        self._list(name)
        return path

    def _list(self, name: str) -> None:
        page = self.root / "simple" / name.replace("_", "-") / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        files = sorted(p for p in self.root.iterdir() if p.name.startswith(f"{name}-"))
        links = [
            f'<a href="../../{file.name}#sha256={hashlib.sha256(file.read_bytes()).hexdigest()}">'
            f"{file.name}</a>"
            for file in files
        ]
        page.write_text("<!DOCTYPE html><html><body>" + "\n".join(links) + "</body></html>")


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(index: Index) -> Iterator[str]:
    """Serve an index on 127.0.0.1; yield its URL."""
    handler = partial(_Silent, directory=str(index.root))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/simple"
        server.shutdown()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (0o100755 if "/scripts/" in name else 0o100644) << 16
    return entry
