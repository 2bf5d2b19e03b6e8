"""Starts CNCF distribution (Debian package ``docker-registry``) on a free port of 127.0.0.1."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from parts.need import program, wait_until


@dataclass(frozen=True)
class Registry:
    """A running registry; ``host`` is ``127.0.0.1:PORT``, ``storage`` its file system root."""

    host: str
    storage: Path
    log: Path

    def reference(self, name: str) -> str:
        return f"docker://{self.host}/{name}"

    def requests(self) -> list[str]:
        """Return every request so far as ``METHOD /path``, from the access log."""
        lines = self.log.read_text(errors="replace").splitlines()
        quoted = [line.split('"')[1] for line in lines if line.startswith("127.0.0.1 - ")]
        return [" ".join(request.split()[:2]) for request in quoted]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def start_registry(
    folder: Path, *, htpasswd: Path | None = None, tls: tuple[Path, Path] | None = None
) -> Iterator[Registry]:
    """Run a registry with its storage in ``folder``.

    ``htpasswd`` is a bcrypt file for basic auth, ``tls`` a certificate and its key.
    """
    binary = program("docker-registry")
    folder.mkdir(parents=True, exist_ok=True)
    host, log = f"127.0.0.1:{free_port()}", folder / "log"
    config = folder / "config.yml"
    config.write_text(yaml.safe_dump(_settings(host, folder / "storage", htpasswd, tls)))
    with log.open("wb") as out:
        process = subprocess.Popen([binary, "serve", str(config)], stdout=out, stderr=out)
    try:
        wait_until(lambda: _listens(host), process, 20, log)
        yield Registry(host, folder / "storage", log)
    finally:
        process.terminate()
        process.wait(20)


def _settings(
    host: str, storage: Path, htpasswd: Path | None, tls: tuple[Path, Path] | None
) -> dict[str, object]:
    http: dict[str, object] = {"addr": host, "secret": "only-for-tests"}
    if tls:
        http["tls"] = {"certificate": str(tls[0]), "key": str(tls[1])}
    settings: dict[str, object] = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {
            "filesystem": {"rootdirectory": str(storage)},
            "delete": {"enabled": True},
            "maintenance": {"uploadpurging": {"enabled": False}},
        },
        "http": http,
    }
    if htpasswd:
        settings["auth"] = {"htpasswd": {"realm": "tests", "path": str(htpasswd)}}
    return settings


def _listens(host: str) -> bool:
    name, _, port = host.partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((name, int(port))) == 0


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Make a self-signed certificate for 127.0.0.1; return it and its key."""
    openssl = program("openssl")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


# bcrypt (cost 4) of the password: distribution takes bcrypt only, and Python has none built in
HTPASSWD_USER, HTPASSWD_PASSWORD = "ada", "open sesame"
_HTPASSWD_LINE = "ada:$2b$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy\n"


def make_htpasswd(folder: Path) -> Path:
    """Write a password file with ``HTPASSWD_USER`` in it."""
    path = folder / "htpasswd"
    path.write_text(_HTPASSWD_LINE)
    return path
