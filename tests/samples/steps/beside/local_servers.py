"""Small servers on 127.0.0.1 that samples talk to instead of the world; standard library only."""

from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class _Objects(BaseHTTPRequestHandler):
    """GET, HEAD and PUT of whole objects by path: enough of HTTP, and of S3 by path style."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = self.server.objects.get(self.path.split("?")[0])
        if body is None:
            return self._answer(404, b"")
        wanted = self.headers.get("Range", "")
        if not wanted.startswith("bytes="):
            return self._answer(200, body)
        first, _, last = wanted[6:].partition("-")
        end = min(int(last) + 1 if last else len(body), len(body))
        part = body[int(first) : end]
        span = {"Content-Range": f"bytes {first}-{end - 1}/{len(body)}"}
        return self._answer(206, part, span)

    do_HEAD = do_GET

    def do_PUT(self):
        if "chunked" in self.headers.get("Content-Encoding", "") + self.headers.get(
            "Transfer-Encoding", ""
        ):
            body = self._chunks()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.objects[self.path.split("?")[0]] = body
        self._answer(200, b"", {"ETag": '"0"'})

    def _chunks(self):
        body = b""
        while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def _answer(self, status, body, headers=()):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def objects(**by_path):
    """Serve ``bucket/key`` → bytes; yield (URL, the mapping)."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Objects)
    server.objects = {f"/{path}": body for path, body in by_path.items()}
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.objects
    finally:
        server.shutdown()
