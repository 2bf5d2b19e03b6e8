"""A registry in this process that misbehaves on request: for what real ones do at a bad time.

It keeps blobs and manifests in memory and speaks enough of the distribution API to be written to
and read from.  A :class:`Fault` says which requests go wrong, how, and how often.
"""

from __future__ import annotations

import base64
import itertools
import json
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kfslim.oci.digest import digest_of

PAGE = 2  # tags per page


@dataclass
class Fault:
    """``times`` requests whose ``METHOD path`` matches ``pattern`` go wrong.

    ``how(handler)`` answers them instead; it returns True when the request should also be handled.
    """

    pattern: str
    how: Callable[[Handler], bool | None]
    times: int = 1_000_000


@dataclass
class State:
    """All that the server knows and saw."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)  # digest -> type, bytes
    tags: dict[str, str] = field(default_factory=dict)
    uploads: dict[str, bytearray] = field(default_factory=dict)
    sessions: Iterator[int] = field(default_factory=itertools.count)
    faults: list[Fault] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    seen_headers: list[dict[str, str]] = field(default_factory=list)
    received: int = 0  # bytes of blobs
    keeps_broken_uploads: bool = True
    cut_upload_after: int = 0  # bytes of one PATCH or PUT, once
    ranges: bool = True
    digest_header: bool = True
    lock: threading.Lock = field(default_factory=threading.Lock)
    host: str = ""
    connections: int = 0

    def count(self, pattern: str) -> int:
        return sum(bool(re.search(pattern, line)) for line in self.log)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: State

    def setup(self) -> None:
        super().setup()
        with self.state.lock:
            self.state.connections += 1

    def log_message(self, *_: Any) -> None:
        pass

    def _handle(self) -> None:
        line = f"{self.command} {self.path}"
        with self.state.lock:
            self.state.log.append(line)
            self.state.seen_headers.append(dict(self.headers.items()))
            fault = next(
                (f for f in self.state.faults if f.times and re.search(f.pattern, line)), None
            )
            if fault:
                fault.times -= 1
        if fault and not fault.how(self):
            return
        self.route()

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = _handle

    # answers

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        if self.command not in ("GET", "HEAD") and status >= 400:
            self.close_connection = True  # the request's body was not read
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def error(self, status: int, code: str = "UNKNOWN", **headers: str) -> None:
        body = json.dumps({"errors": [{"code": code, "message": code.lower()}]}).encode()
        self.answer(status, body, **headers)

    def reset(self) -> None:
        """Cut the connection with a TCP reset."""
        self.close_connection = True
        option = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, option)
        self.wfile = self.rfile = open("/dev/null", "r+b")  # noqa: SIM115, PTH123
        self.connection.close()

    # routes

    def route(self) -> None:
        path = urlsplit(self.path).path
        if path == "/v2/":
            self.answer(200)
        elif match := re.match(r"/v2/(.+)/manifests/([^/]+)\Z", path):
            self.manifest(match[2])
        elif match := re.match(r"/v2/(.+)/blobs/uploads/([^/]*)\Z", path):
            self.upload(match[1], match[2])
        elif match := re.match(r"/v2/(.+)/blobs/([^/]+)\Z", path):
            self.blob(match[2])
        elif re.match(r"/v2/(.+)/tags/list\Z", path):
            self.list_tags(path)
        else:
            self.error(404, "NOT_FOUND")

    def manifest(self, target: str) -> None:
        state = self.state
        if self.command == "PUT":
            data = self.rfile.read(int(self.headers["Content-Length"]))
            digest = digest_of(data)
            state.manifests[digest] = (self.headers["Content-Type"], data)
            if ":" not in target:
                state.tags[target] = digest
            self.answer(201, **self.named(digest))
            return
        digest = state.tags.get(target, target)
        if digest not in state.manifests:
            self.error(404, "MANIFEST_UNKNOWN")
            return
        media_type, data = state.manifests[digest]
        self.answer(200, data, Content_Type=media_type, **self.named(digest))

    def named(self, digest: str) -> dict[str, str]:
        return {"Docker_Content_Digest": digest} if self.state.digest_header else {}

    def blob(self, digest: str) -> None:
        data = self.state.blobs.get(digest)
        if data is None:
            self.error(404, "BLOB_UNKNOWN")
            return
        asked = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked and self.state.ranges:
            start = int(asked[1])
            span = f"bytes {start}-{len(data) - 1}/{len(data)}"
            self.answer(206, data[start:], Content_Range=span)
        else:
            self.answer(200, data)

    def list_tags(self, path: str) -> None:
        names = sorted(self.state.tags)
        last = parse_qs(urlsplit(self.path).query).get("last", [""])[0]
        page = [name for name in names if name > last][:PAGE]
        more = {"Link": f'<{path}?n={PAGE}&last={page[-1]}>; rel="next"'} if page else {}
        self.answer(200, json.dumps({"name": "x", "tags": page}).encode(), **more)

    # uploads

    def upload(self, name: str, session: str) -> None:
        if self.command == "POST":
            session = f"u{next(self.state.sessions)}"
            self.state.uploads[session] = bytearray()
            self.answer(202, **self.progress(name, session))
        elif session not in self.state.uploads:
            self.error(404, "BLOB_UPLOAD_UNKNOWN")
        elif self.command == "GET":
            self.answer(204, **self.progress(name, session))
        elif self.command == "DELETE":
            del self.state.uploads[session]
            self.answer(204)
        elif self.receive(session):
            self.received(name, session)

    def receive(self, session: str) -> bool:
        """Take the body in; False when the connection was cut in its middle."""
        left = int(self.headers.get("Content-Length", 0))
        held = self.state.uploads[session]
        start = re.match(r"(\d+)-", self.headers.get("Content-Range", ""))
        if start and int(start[1]) != len(held):
            self.error(416, "RANGE_INVALID")
            return False
        while left:
            chunk = self.rfile.read(min(1 << 16, left))
            held += chunk
            left -= len(chunk)
            self.state.received += len(chunk)
            if 0 < self.state.cut_upload_after <= len(held):
                self.state.cut_upload_after = 0
                if not self.state.keeps_broken_uploads:
                    del self.state.uploads[session]
                self.reset()
                return False
        return True

    def received(self, name: str, session: str) -> None:
        if self.command == "PATCH":
            self.answer(202, **self.progress(name, session))
            return
        digest = parse_qs(urlsplit(self.path).query)["digest"][0]
        data = bytes(self.state.uploads.pop(session))
        if digest_of(data) != digest:
            self.error(400, "DIGEST_INVALID")
            return
        self.state.blobs[digest] = data
        self.answer(201, Location=f"/v2/{name}/blobs/{digest}", **self.named(digest))

    def progress(self, name: str, session: str) -> dict[str, str]:
        end = max(0, len(self.state.uploads[session]) - 1)
        return {
            "Location": f"/v2/{name}/blobs/uploads/{session}?state=s{end}",
            "Range": f"0-{end}",
        }


@contextmanager
def faulty_registry() -> Iterator[State]:
    """Run one; ``state.host`` is ``127.0.0.1:PORT``."""
    state = State()
    handler = type("BoundHandler", (Handler,), {"state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    state.host = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


# ways to go wrong


def status(code: int, **headers: str) -> Callable[[Handler], None]:
    """Answer with an error."""
    return lambda handler: handler.error(code, f"STATUS_{code}", **headers)


def reset(handler: Handler) -> None:
    """Cut the connection before answering."""
    handler.reset()


def half(handler: Handler) -> None:
    """Send half of a blob or manifest, then cut the connection."""
    name = urlsplit(handler.path).path.rpartition("/")[2]
    state = handler.state
    digest = state.tags.get(name, name)
    media_type, data = state.manifests.get(digest) or ("", state.blobs.get(digest, b""))
    asked = re.match(r"bytes=(\d+)-", handler.headers.get("Range", ""))
    start = int(asked[1]) if asked and state.ranges else 0
    handler.send_response(206 if start else 200)
    handler.send_header("Content-Type", media_type)
    handler.send_header("Content-Length", str(len(data) - start))
    if start:
        handler.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
    handler.end_headers()
    handler.wfile.write(data[start : start + (len(data) - start) // 2])
    handler.wfile.flush()
    handler.close_connection = True


def other_bytes(handler: Handler) -> None:
    """Send the right number of wrong bytes."""
    data = handler.state.blobs[urlsplit(handler.path).path.rpartition("/")[2]]
    handler.answer(200, b"\0" * len(data))


def endless(handler: Handler) -> None:
    """Send without end, until the client has had enough."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/vnd.oci.image.manifest.v1+json")
    handler.end_headers()
    handler.close_connection = True
    try:
        while True:
            handler.wfile.write(b" " * 65536)
    except OSError:
        pass


def wants_basic(user: str, password: str) -> Callable[[Handler], bool]:
    """Require Basic auth."""
    right = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def check(handler: Handler) -> bool:
        if handler.headers.get("Authorization") == right:
            return True
        handler.error(401, "UNAUTHORIZED", WWW_Authenticate='Basic realm="tests"')
        return False

    return check


def wants_bearer(tokens: set[str], realm: str) -> Callable[[Handler], bool]:
    """Require a token out of ``tokens``."""

    def check(handler: Handler) -> bool:
        given = handler.headers.get("Authorization", "").removeprefix("Bearer ")
        if given in tokens:
            return True
        challenge = f'Bearer realm="{realm}",service="tests",scope="ignored"'
        handler.error(401, "UNAUTHORIZED", WWW_Authenticate=challenge)
        return False

    return check
