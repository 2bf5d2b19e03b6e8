"""The real ``docker build`` client, talking to a socket that keeps what it sends.

So the tar stream of the classic builder's client is had byte by byte, without an engine.
"""

from __future__ import annotations

import os
import re
import shutil
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path


class _Engine(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    sent = b""

    def handle_error(self, *_: object) -> None:
        """The client hangs up when it has heard enough."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Engine

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_GET(self) -> None:
        self._answer(b"OK")

    def do_POST(self) -> None:
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        self.server.sent = b"".join(parts)
        self._answer(b'{"stream":"kept"}\r\n')

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("API-Version", "1.41")
        self.send_header("Builder-Version", "1")
        self.send_header("OSType", "linux")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "client"

    def log_message(self, *_: object) -> None:
        pass


class Client:
    """A docker client, and where it sends to."""

    def __init__(self, binary: str, engine: _Engine) -> None:
        self._binary, self._engine = binary, engine
        told = subprocess.check_output([binary, "--version"], text=True)
        self.major = int(re.search(r"version (\d+)", told)[1])

    def send(self, folder: Path, dockerfile: Path | None = None) -> tuple[bytes, str]:
        """Build ``folder``; return the tar stream, and what the client says."""
        self._engine.sent = b""
        named = ["-f", str(dockerfile)] if dockerfile else []
        done = subprocess.run(
            [self._binary, "-H", f"unix://{self._engine.server_address}", "build", *named, folder],
            env={**os.environ, "DOCKER_BUILDKIT": "0"}, capture_output=True, check=False,
        )  # fmt: skip
        return self._engine.sent, (done.stdout + done.stderr).decode(errors="replace")


@contextmanager
def docker_client(binary: str, folder: Path) -> Iterator[Client]:
    """Yield a client; ``folder`` is for its socket."""
    with _Engine(str(folder / "sock"), _Handler) as engine:
        threading.Thread(target=engine.serve_forever, daemon=True).start()
        yield Client(binary, engine)
        engine.shutdown()


def docker_clients() -> list[str]:
    """Return the docker clients that are installed, the one on PATH first."""
    found = (shutil.which("docker"), "/usr/bin/docker")
    return list(dict.fromkeys(path for path in found if path and Path(path).exists()))
