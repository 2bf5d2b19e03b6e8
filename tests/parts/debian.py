"""Debian packages and archives made for tests: real formats, real signatures, a real server."""

from __future__ import annotations

import hashlib
import io
import lzma
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pysequoia

from kfslim.build.debian.sources import DebianSettings, Mirror

Files = Mapping[str, "bytes | str | tarfile.TarInfo"]


def make_tar(files: Files) -> bytes:
    """Bytes are files, ``-> x`` symlinks, ``/`` folders, a TarInfo itself; parents come along."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        seen: set[str] = set()
        for path, content in files.items():
            for parent in reversed([str(p) for p in Path(path).parents]):
                if parent not in seen and parent != ".":
                    seen.add(parent)
                    tar.addfile(_info(f"./{parent}/", tarfile.DIRTYPE, 0o755))
            _add(tar, path, content)
            seen.add(path)
    return buffer.getvalue()


def _info(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode = kind, mode
    return info


def _add(tar: tarfile.TarFile, path: str, content: bytes | str | tarfile.TarInfo) -> None:
    if isinstance(content, tarfile.TarInfo):
        content.name = path
        tar.addfile(content)
    elif isinstance(content, bytes):
        info = _info(f"./{path}", tarfile.REGTYPE, 0o755 if "bin/" in path else 0o644)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    elif content == "/":
        tar.addfile(_info(f"./{path}/", tarfile.DIRTYPE, 0o755))
    else:
        info = _info(f"./{path}", tarfile.SYMTYPE, 0o777)
        info.linkname = content.removeprefix("-> ")
        tar.addfile(info)


def ar(members: Mapping[str, bytes]) -> bytes:
    parts = [b"!<arch>\n"]
    for name, data in members.items():
        parts.append(f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode())
        parts.append(data + b"\n" * (len(data) % 2))
    return b"".join(parts)


def make_deb(
    name: str,
    version: str = "1.0",
    files: Files | None = None,
    scripts: Mapping[str, str] | None = None,
    architecture: str = "amd64",
    **fields: str,
) -> bytes:
    """A binary package; ``fields`` are control fields with ``_`` for ``-``."""
    files = files or {}
    stanza = {
        "Package": name,
        "Version": version,
        "Architecture": architecture,
        "Maintainer": "Nobody <nobody@example.org>",
        **{key.replace("_", "-"): value for key, value in fields.items()},
        "Description": f"{name} for tests\n and nothing else",
    }
    text = "".join(f"{key}: {value}\n" for key, value in stanza.items())
    sums = "".join(
        f"{hashlib.md5(data).hexdigest()}  {path}\n"
        for path, data in files.items()
        if isinstance(data, bytes)
    )
    control = {"control": text.encode(), "md5sums": sums.encode()}
    control |= {script: body.encode() for script, body in (scripts or {}).items()}
    return ar(
        {
            "debian-binary": b"2.0\n",
            "control.tar.xz": lzma.compress(make_tar(control)),
            "data.tar.xz": lzma.compress(make_tar(files)),
        }
    )


def fields_of(deb: bytes) -> str:
    """The control file of a package made above."""
    start = deb.index(b"control.tar.xz")
    size = int(deb[start + 48 : start + 58])
    data = lzma.decompress(deb[start + 60 : start + 60 + size])
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        stream = tar.extractfile("./control")
        assert stream is not None
        return stream.read().decode()


@dataclass
class Archive:
    """A Debian archive in a folder, signed by a key of its own."""

    folder: Path
    key: pysequoia.Tsk = field(
        default_factory=lambda: pysequoia.Tsk.generate(user_id="Archive <archive@example.org>")
    )
    stanzas: list[str] = field(default_factory=list)

    @property
    def keyring(self) -> Path:
        path = self.folder.parent / "keyring.gpg"
        path.write_bytes(bytes(self.key.extract_certificate()))
        return path

    def add(self, deb: bytes) -> None:
        text = fields_of(deb)
        names = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
        path = f"pool/{names['Package']}_{names['Version'].replace(':', '%3a')}.deb"
        (self.folder / "pool").mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_bytes(deb)
        sha256 = hashlib.sha256(deb).hexdigest()
        self.stanzas.append(f"{text}Filename: {path}\nSize: {len(deb)}\nSHA256: {sha256}\n")

    def publish(self, suite: str = "bookworm", **fields: str) -> None:
        """Write index and InRelease; ``fields`` replace those of the Release (None removes)."""
        index = lzma.compress("\n".join(self.stanzas).encode() + b"\n")
        path, sha256 = "main/binary-amd64/Packages.xz", hashlib.sha256(index).hexdigest()
        for name in (path, f"main/binary-amd64/by-hash/SHA256/{sha256}"):
            target = self.folder / "dists" / suite / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(index)
        release = {"Origin": "Debian", "Codename": suite, "Acquire-By-Hash": "yes", **fields}
        text = "".join(f"{key.replace('_', '-')}: {value}\n" for key, value in release.items())
        text += f"SHA256:\n {sha256} {len(index)} {path}\n"
        (self.folder / "dists" / suite / "InRelease").write_bytes(self.sign(text.encode()))

    def sign(self, text: bytes) -> bytes:
        clear = pysequoia.SignatureMode.CLEAR
        return bytes(pysequoia.sign(self.key.signer(), text, mode=clear))


@dataclass
class Served:
    """An archive behind a web server; ``requests`` are the paths that were asked for."""

    archive: Archive
    uri: str
    requests: list[str]

    @property
    def settings(self) -> DebianSettings:
        return DebianSettings((Mirror(self.uri),), self.archive.keyring)


@contextmanager
def serve(archive: Archive) -> Iterator[Served]:
    """Serve an archive's folder on 127.0.0.1."""
    requests: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(self.path)
            super().do_GET()

        def log_message(self, *_: object) -> None:
            pass

    handler = partial(Handler, directory=str(archive.folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Served(archive, f"http://127.0.0.1:{server.server_port}", requests)
        server.shutdown()
        thread.join()


def add_base(archive: Archive, python: str = "3.11") -> None:
    """The packages that a base needs, with next to nothing in them."""
    archive.add(make_deb("python3", files={}, Depends=f"python{python} (>= {python})"))
    archive.add(
        make_deb(
            f"python{python}",
            f"{python}.2-6",
            {
                f"usr/bin/python{python}": b"#!/bin/sh\n",
                f"usr/lib/python{python}/json/__init__.py": b"x = 1\n",
                f"usr/lib/python{python}/test/test_json.py": b"",
                f"usr/lib/python{python}/sitecustomize.py": "-> /etc/sitecustomize.py",
            },
            Depends="libc6 (>= 2.36), media-types | mime-support",
        )
    )
    archive.add(
        make_deb(
            "base-files",
            files={
                "tmp": "/",
                "var/run": "/",
                "usr/lib/os-release": b"ID=debian\nVERSION_CODENAME=bookworm\n",
                "etc/os-release": "-> ../usr/lib/os-release",
                "usr/share/doc/base-files/copyright": b"free\n",
                "usr/share/doc/base-files/README": b"read\n",
                "usr/share/base-files/profile": b"PATH=/bin\n",
            },
            Essential="yes",
            Pre_Depends="awk",
        )
    )
    certificates = {
        "usr/share/ca-certificates/mozilla/B.crt": b"-----B-----",
        "usr/share/ca-certificates/mozilla/A.crt": b"-----A-----\n",
    }
    archive.add(make_deb("ca-certificates", files=certificates, Depends="openssl, debconf"))
    archive.add(make_deb("dash", files={"bin/dash": b"dash"}, Depends="debianutils, dpkg"))
    archive.add(make_deb("tzdata", files={"usr/share/zoneinfo/Etc/UTC": b"TZif"}))
    archive.add(make_deb("libc6", "2.36-9", {"lib/x86_64-linux-gnu/libc.so.6": b"libc"}))
    for name in ("coreutils", "libc-bin", "libgomp1", "libstdc++6", "netbase", "media-types"):
        archive.add(make_deb(name, files={f"usr/share/{name}/about": name.encode()}))
