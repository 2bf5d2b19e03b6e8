from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path

import pytest

from kfslim import net
from kfslim.errors import DigestMismatch, FetchError, NotFound, RateLimited

DATA = bytes(range(256)) * 9000  # 2.3 MB


class Files:
    """A file server that cuts answers: each entry of ``cuts`` is bytes sent of one answer."""

    def __init__(self) -> None:
        self.cuts: list[int] = []
        self.status = 200
        self.asked: list[str] = []
        self.url = ""


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    monkeypatch.setattr(net, "BACKOFF", 0.001)
    state = Files()

    class Serving(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            state.asked.append(asked)
            start = int(asked.removeprefix("bytes=").rstrip("-") or 0)
            body = DATA[start:] if state.status == 200 else b"no"
            self.send_response(206 if start else state.status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Range", f"bytes {start}-{len(DATA) - 1}/{len(DATA)}")
            self.end_headers()
            self.wfile.write(body[: state.cuts.pop(0)] if state.cuts else body)

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Serving)
    state.url = f"http://user:s3cret@127.0.0.1:{running.server_port}/file?token=s3cret"
    threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
    yield state
    running.shutdown()
    running.server_close()


def fetch(files: Files, path: Path, data: bytes = DATA) -> None:
    digest = hashlib.sha256(data).hexdigest()
    with net.open_session() as session:
        net.download(session, files.url, path, sha256=digest, size=len(data))


def test_a_download(files: Files, tmp_path: Path) -> None:
    fetch(files, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA


def test_a_download_goes_on_where_it_broke(files: Files, tmp_path: Path) -> None:
    files.cuts = [1_500_000, 10, 0]
    fetch(files, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA
    assert files.asked[0] == ""
    assert all(asked.startswith("bytes=") for asked in files.asked[1:])


def test_a_download_that_always_breaks_ends(files: Files, tmp_path: Path) -> None:
    files.cuts = [10] * 50
    with pytest.raises(FetchError) as caught:
        fetch(files, tmp_path / "f")
    assert "s3cret" not in caught.value.message
    assert len(files.asked) <= net.ATTEMPTS
    assert list(tmp_path.iterdir()) == []


def test_other_bytes_are_refused(files: Files, tmp_path: Path) -> None:
    for promised in (DATA[:-1] + b"!", DATA[:-1]):
        with pytest.raises(DigestMismatch) as caught:
            fetch(files, tmp_path / "f", promised)
        assert "s3cret" not in caught.value.message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("status", "kind"), [(404, NotFound), (403, FetchError), (429, RateLimited), (500, FetchError)]
)
def test_what_a_server_refuses(files: Files, tmp_path: Path, status: int, kind: type) -> None:
    files.status = status
    with pytest.raises(kind) as caught:
        fetch(files, tmp_path / "f")
    assert "s3cret" not in caught.value.message
    assert list(tmp_path.iterdir()) == []


def test_backoff_grows_and_has_an_end() -> None:
    for attempt, most in [(0, 0.25), (1, 0.5), (2, 1.0), (10, 8.0)]:
        assert most / 2 <= net.pause(attempt) <= most


def test_retry_after() -> None:
    assert net.pause(0, "7") == 7
    soon = datetime.now(timezone.utc) + timedelta(seconds=30)
    assert 25 < net.pause(0, format_datetime(soon, usegmt=True)) <= 30
    past = datetime.now(timezone.utc) - timedelta(days=1)
    assert net.pause(0, format_datetime(past, usegmt=True)) == 0
    assert net.pause(0, "nonsense") <= 0.25
    for late in ("61", format_datetime(soon + timedelta(hours=1), usegmt=True)):
        with pytest.raises(RateLimited, match=r"r.io: .* seconds"):
            net.pause(0, late, "r.io")


def test_urls_lose_their_secrets() -> None:
    assert net.redact("https://u:p@h:1/a/b?sig=x#y") == "https://h:1/a/b"
