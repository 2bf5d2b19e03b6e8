"""A registry at a bad time: what passes is waited out, what does not gets one sentence."""

from __future__ import annotations

import http.server
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from parts.check_image import check_image
from parts.faulty_registry import (
    Fault,
    State,
    endless,
    faulty_registry,
    half,
    other_bytes,
    reset,
    status,
    wants_basic,
    wants_bearer,
)
from parts.images import make_image, small_image, small_index

from kfslim import net
from kfslim.errors import (
    AuthError,
    BadImage,
    DigestMismatch,
    KfslimError,
    NotFound,
    RateLimited,
    StoreError,
    Unsupported,
)
from kfslim.oci import open_store
from kfslim.oci.image import Image
from kfslim.oci.registry import RegistryStore
from kfslim.oci.upload import STREAMED_FROM

MANIFEST, BLOB, UPLOAD = r"GET .*/manifests/", r"GET .*/blobs/sha256", r"blobs/uploads/"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(net, "BACKOFF", 0.001)


@pytest.fixture
def server() -> Iterator[State]:
    with faulty_registry() as state:
        yield state


def opened(server: State, name: str = "a/b") -> RegistryStore:
    store = open_store(f"docker://{server.host}/{name}")
    assert isinstance(store, RegistryStore)
    return store


def stored(server: State, image: Image | None = None) -> Image:
    image = image or small_image()
    opened(server).write(image, "t")
    server.log.clear()
    return image


def big_image() -> Image:
    return make_image({"big": os.urandom(STREAMED_FROM + (4 << 20))})


def read_all(store: RegistryStore, target: str = "t") -> Image:
    image = store.read(target)
    for layer in image.layers:
        with layer.open() as stream:
            stream.read()
    return image


# what passes


@pytest.mark.parametrize("how", [reset, half, status(503), status(429), status(500)])
@pytest.mark.parametrize("pattern", [MANIFEST, BLOB])
def test_reading_tries_again(server: State, how, pattern: str) -> None:
    image = stored(server, big_image())
    server.faults.append(Fault(pattern, how, times=3))
    assert read_all(opened(server)) == image
    assert server.faults[0].times == 0


def test_retry_after_is_obeyed(server: State) -> None:
    image = stored(server)
    server.faults.append(Fault(MANIFEST, status(429, Retry_After="1"), times=1))
    start = time.monotonic()
    assert opened(server).read("t") == image
    assert 1.0 <= time.monotonic() - start < 10


def test_a_blob_goes_on_where_it_broke(server: State) -> None:
    stored(server, big_image())
    server.faults.append(Fault(BLOB + ".*", half, times=4))
    before = len(server.seen_headers)
    read_all(opened(server))
    asked = [h["Range"] for h in server.seen_headers[before:] if "Range" in h]
    assert asked
    assert all(int(value[6:-1]) > 0 for value in asked)


def test_a_server_without_ranges_is_read_again_from_the_start(server: State) -> None:
    image = stored(server, big_image())
    server.ranges = False
    server.faults.append(Fault(BLOB, half, times=2))
    assert read_all(opened(server)) == image


@pytest.mark.parametrize("how", [reset, status(503), status(429)])
def test_a_failed_question_is_asked_again_and_not_answered_by_an_upload(server: State, how) -> None:
    image = stored(server)
    server.faults += [Fault("HEAD .*/blobs/", how, times=2), Fault("HEAD .*/manifests/", how, 2)]
    written = opened(server).write(image.with_config(User="7"), "other")
    assert written.present_bytes == image.content_bytes
    assert server.count("HEAD .*/blobs/") == 3 + 2  # three blobs, two of the questions twice
    assert server.count("POST") == 1  # the new config's


@pytest.mark.parametrize("pattern", ["POST", "PUT .*/blobs", "PUT .*/manifests"])
@pytest.mark.parametrize("how", [reset, status(503), status(429, Retry_After="0")])
def test_writing_tries_again(server: State, pattern: str, how) -> None:
    server.faults.append(Fault(pattern, how, times=2))
    image = small_image()
    opened(server).write(image, "t")
    server.faults.clear()
    check_image(opened(server), opened(server).read("t"))


def test_a_broken_upload_goes_on_where_the_registry_allows_it(server: State) -> None:
    image = big_image()
    size = image.layers[0].descriptor.size
    server.cut_upload_after = STREAMED_FROM
    opened(server).write(image, "t")
    assert server.count("PATCH") == 2
    assert size <= server.received - len(image.config_bytes) < size + (1 << 20)
    check_image(opened(server), opened(server).read("t"))


def test_a_broken_upload_that_is_lost_starts_again(server: State) -> None:
    image = big_image()
    server.keeps_broken_uploads = False
    server.cut_upload_after = STREAMED_FROM
    opened(server).write(image, "t")
    assert server.count("POST .*uploads/") == 3  # config, layer, and the layer again
    assert server.received > image.content_bytes + STREAMED_FROM
    check_image(opened(server), opened(server).read("t"))


def test_a_broken_upload_of_a_small_blob_starts_again(server: State) -> None:
    image = make_image({"small": os.urandom(300_000)})
    server.cut_upload_after = 100_000
    opened(server).write(image, "t")
    check_image(opened(server), opened(server).read("t"))


def test_an_upload_whose_answer_was_lost_is_not_repeated(server: State) -> None:
    def take_and_cut(handler) -> None:
        handler.answer = lambda *_, **__: handler.reset()
        handler.route()

    server.faults.append(Fault(r"PUT .*blobs/uploads", take_and_cut, times=1))
    image = make_image({"one": b"x"})
    opened(server).write(image, "t")
    assert server.count("PUT .*blobs/uploads") == 2  # the config and the layer, each once


def test_digest_headers_are_optional(server: State) -> None:
    server.digest_header = False
    image = stored(server)
    assert opened(server).resolve("t") == image.descriptor.__class__(
        image.media_type, image.digest, len(image.manifest_bytes)
    )
    assert opened(server).write(image, "t").pushed_bytes == 0


# what does not pass


def refused(call) -> KfslimError:
    """Return the error that ``call`` raises, having looked at its manners."""
    with pytest.raises(KfslimError) as caught:
        call()
    message = caught.value.message
    assert "\n" not in message
    assert len(message) < 400
    assert "object at 0x" not in message
    return caught.value


def test_a_registry_that_never_recovers(server: State) -> None:
    stored(server)
    server.faults.append(Fault(".*", status(503)))
    error = refused(lambda: opened(server).read("t"))
    assert isinstance(error, StoreError)
    assert "503" in error.message
    server.faults[:] = [Fault(".*", reset)]
    assert isinstance(refused(lambda: opened(server).read("t")), StoreError)


def test_nobody_listens() -> None:
    error = refused(lambda: open_store("docker://127.0.0.1:1/a/b").read("t"))
    assert isinstance(error, StoreError)
    assert "refused" in error.message


def test_a_blob_that_always_breaks(server: State) -> None:
    stored(server, big_image())
    server.faults.append(Fault(BLOB, status(200)))
    assert "blob" in refused(lambda: read_all(opened(server))).message


def test_rate_limits(server: State) -> None:
    stored(server)
    server.faults.append(Fault("manifests", status(429)))
    assert isinstance(refused(lambda: opened(server).read("t")), RateLimited)
    server.faults[:] = [Fault("manifests", status(429, Retry_After="3600"))]
    error = refused(lambda: opened(server).resolve("t"))
    assert isinstance(error, RateLimited)
    assert "3600 seconds" in error.message


def test_wrong_bytes(server: State) -> None:
    image = stored(server, big_image())
    server.faults.append(Fault(f"blobs/{image.layers[0].descriptor.digest}", other_bytes))
    with pytest.raises(DigestMismatch):
        read_all(opened(server))


def test_a_manifest_that_is_not_the_one_asked_for(server: State) -> None:
    image = stored(server)
    other = small_image("other")
    server.manifests[image.digest] = (image.media_type, other.manifest_bytes)
    for call in (
        lambda: opened(server).read(image.digest),
        lambda: opened(server).read("t"),  # the header says another digest than the body has
    ):
        assert isinstance(refused(call), DigestMismatch)


def test_an_endless_manifest(server: State) -> None:
    server.faults.append(Fault(MANIFEST, endless))
    error = refused(lambda: opened(server).read("t"))
    assert isinstance(error, BadImage)
    assert "longer than" in error.message


def test_answers_that_are_no_images(server: State) -> None:
    for body, media_type, kind in [
        (b"<html>", "text/html", BadImage),
        (b"[]", "application/json", BadImage),
        (b"{}", "application/vnd.oci.image.manifest.v1+json", BadImage),
        (b"{}", "application/vnd.docker.distribution.manifest.v1+prettyjws", Unsupported),
        (b'{"mediaType": "application/x"}', "application/json", BadImage),
    ]:
        server.faults[:] = [
            Fault(MANIFEST, lambda h, b=body, m=media_type: h.answer(200, b, Content_Type=m))
        ]
        assert isinstance(refused(lambda: opened(server).read("t")), kind)


def test_a_refusal_says_what_the_registry_said(server: State) -> None:
    server.faults.append(Fault("POST", status(403)))
    error = refused(lambda: opened(server).write(small_image(), "t"))
    assert isinstance(error, AuthError)
    assert "STATUS_403" in error.message
    assert "docker login" in error.hint
    assert server.tags == {}
    server.faults[:] = [Fault("PUT .*/manifests", status(413))]
    assert "413" in refused(lambda: opened(server).write(small_image(), "t")).message


def test_a_blob_that_is_missing(server: State) -> None:
    image = stored(server)
    del server.blobs[image.layers[0].descriptor.digest]
    assert isinstance(refused(lambda: read_all(opened(server))), NotFound)


def test_deleting_that_is_not_allowed(server: State) -> None:
    stored(server)
    server.faults.append(Fault("DELETE", status(405)))
    assert "does not allow deleting" in refused(lambda: opened(server).delete("t")).message


def test_a_failed_write_leaves_the_old_image(server: State) -> None:
    old = stored(server)
    server.faults.append(Fault("PUT .*/blobs", status(403)))
    refused(lambda: opened(server).write(small_image("new"), "t"))
    assert opened(server).read("t") == old


# cost


def test_an_unchanged_image_costs_one_request(server: State) -> None:
    for image in (small_image(), small_index()):
        opened(server).write(image, "t")
        store = opened(server)
        store.resolve("t")  # a loopback registry is first asked which scheme it speaks
        server.log.clear()
        written = store.write(image, "t")
        assert server.log == ["HEAD /v2/a/b/manifests/t"]
        assert written.pushed_bytes == 0


def test_connections_are_used_again(server: State) -> None:
    """A connection costs a TLS handshake on a real registry."""
    image = make_image(*({f"f{n}": b"x"} for n in range(20)))
    store = opened(server)
    store.write(image, "t")
    store.write(image.with_config(User="7"), "u")
    read_all(store)
    assert len(server.log) > 80
    assert server.connections <= 10  # four senders, and a few that raced for one


def test_a_new_tag_for_an_image_that_is_there_costs_no_blob(server: State) -> None:
    image = stored(server)
    written = opened(server).write(image, "final")
    assert server.count("blobs") == 0
    assert written.pushed_bytes == len(image.manifest_bytes)


def test_tags_come_in_pages(server: State) -> None:
    names = [f"t{n}" for n in range(5)]
    for name in names:
        opened(server).write(small_image(), name)
    assert opened(server).tags() == names


# credentials


def docker_config(folder: Path, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "config.json").write_text(json.dumps(value))
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))


def test_basic_auth(server: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.faults.append(Fault("/v2/a", wants_basic("ada", "open sesame")))
    error = refused(lambda: opened(server).write(small_image(), "t"))
    assert isinstance(error, AuthError)
    assert "needs credentials" in error.message
    entry = {"username": "ada", "password": "wrong secret"}
    docker_config(tmp_path, {"auths": {server.host: entry}}, monkeypatch)
    error = refused(lambda: opened(server).write(small_image(), "t"))
    assert isinstance(error, AuthError)
    assert "refuses our credentials" in error.message
    assert "wrong secret" not in f"{error.message}{error.hint}{error.__cause__}"
    entry["password"] = "open sesame"
    docker_config(tmp_path, {"auths": {server.host: entry}}, monkeypatch)
    opened(server).write(small_image(), "t")
    check_image(opened(server), opened(server).read("t"))


class TokenService:
    """Gives tokens, and remembers who asked for what."""

    def __init__(self) -> None:
        self.valid: set[str] = set()
        self.asked: list[dict[str, str]] = []
        self.expires_in: int | None = 300
        self.status = 200
        self.url = ""

    def answer(self, query: str, authorization: str) -> tuple[int, bytes]:
        values = {name: " ".join(found) for name, found in parse_qs(query).items()}
        self.asked.append({**values, "authorization": authorization})
        token = f"token-{len(self.asked)}"
        self.valid.add(token)
        value = {"token": token, "expires_in": self.expires_in}
        return self.status, json.dumps({k: v for k, v in value.items() if v is not None}).encode()


@contextmanager
def token_service() -> Iterator[TokenService]:
    service = TokenService()

    class Answering(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            self.send(urlsplit(self.path).query)

        def do_POST(self) -> None:
            self.send(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def send(self, query: str) -> None:
            code, body = service.answer(query, self.headers.get("Authorization", ""))
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    service.url = f"http://127.0.0.1:{running.server_port}/token"
    threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield service
    finally:
        running.shutdown()
        running.server_close()


@pytest.fixture
def tokens(server: State) -> Iterator[TokenService]:
    with token_service() as service:
        server.faults.append(Fault("/v2/a", wants_bearer(service.valid, service.url)))
        yield service


def test_tokens_are_fetched_once_per_scope(server: State, tokens: TokenService) -> None:
    store = opened(server)
    store.write(small_image(), "t")
    store.read("t")
    store.read("t")
    scopes = [asked["scope"] for asked in tokens.asked]
    assert sorted(scopes) == ["repository:a/b:pull", "repository:a/b:pull,push"]
    assert {asked["service"] for asked in tokens.asked} == {"tests"}
    assert {asked["authorization"] for asked in tokens.asked} == {""}


def test_a_token_that_is_refused_is_renewed(server: State, tokens: TokenService) -> None:
    image = big_image()
    store = opened(server)
    store.write(small_image(), "t")
    tokens.valid.clear()
    store.write(image, "big")
    check_image(store, store.read("big"))


def test_a_token_near_its_end_is_renewed(server: State, tokens: TokenService) -> None:
    tokens.expires_in = 5
    store = opened(server)
    store.write(small_image(), "t")
    before = len(tokens.asked)
    store.read("t")
    assert len(tokens.asked) > before


def test_a_user_is_told_to_the_token_service_only(
    server: State, tokens: TokenService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth = "YWRhOnNlY3JldA=="  # ada:secret
    docker_config(tmp_path, {"auths": {f"https://{server.host}/v2/": {"auth": auth}}}, monkeypatch)
    opened(server).write(small_image(), "t")
    assert {asked["authorization"] for asked in tokens.asked} == {f"Basic {auth}"}
    assert all("Basic" not in h.get("Authorization", "") for h in server.seen_headers)


def test_an_identity_token_is_exchanged(
    server: State, tokens: TokenService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = {"auth": "PHRva2VuPjo=", "identitytoken": "id-secret"}
    docker_config(tmp_path, {"auths": {server.host: entry}}, monkeypatch)
    opened(server).write(small_image(), "t")
    assert {asked["grant_type"] for asked in tokens.asked} == {"refresh_token"}
    assert {asked["refresh_token"] for asked in tokens.asked} == {"id-secret"}


@pytest.mark.parametrize("code", [401, 403, 404])
def test_a_token_service_that_refuses(server: State, tokens: TokenService, code: int) -> None:
    tokens.status = code
    error = refused(lambda: opened(server).read("t"))
    assert isinstance(error, AuthError)
    assert server.host in error.message


def test_credentials_do_not_follow_a_redirect(
    server: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = stored(server)
    entry = {"username": "ada", "password": "open sesame"}
    docker_config(tmp_path, {"auths": {server.host: entry}}, monkeypatch)
    server.faults.append(Fault("/v2/a", wants_basic("ada", "open sesame")))
    with faulty_registry() as elsewhere:
        elsewhere.blobs = dict(server.blobs)

        def away(handler) -> None:
            assert handler.headers["Authorization"]
            handler.answer(307, Location=f"http://{elsewhere.host}{handler.path}?signature=s3cret")

        server.faults.insert(0, Fault(BLOB, away))
        opened(server).read("t")  # learns that credentials are wanted
        assert read_all(opened(server)) == image
        assert elsewhere.count("GET") >= 3
        assert all("Authorization" not in h for h in elsewhere.seen_headers)
        elsewhere.blobs.clear()
        assert "s3cret" not in refused(lambda: read_all(opened(server))).message


def test_an_upload_elsewhere_carries_no_credentials(
    server: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = {"username": "ada", "password": "open sesame"}
    docker_config(tmp_path, {"auths": {server.host: entry}}, monkeypatch)
    server.faults.append(Fault("/v2/a", wants_basic("ada", "open sesame")))
    with faulty_registry() as elsewhere:
        elsewhere.blobs = server.blobs  # one storage behind two names
        elsewhere.uploads["u0"] = elsewhere.uploads["u1"] = bytearray()
        sessions = iter(f"x{n}" for n in range(9))

        def away(handler) -> None:
            session = next(sessions)
            elsewhere.uploads[session] = bytearray()
            handler.answer(202, Location=f"http://{elsewhere.host}/v2/z/blobs/uploads/{session}")

        opened(server).resolve("t")
        server.faults.insert(0, Fault("POST", away))
        store = opened(server)
        store.resolve("t")
        store.write(small_image(), "t")
        assert elsewhere.count("PUT") == 3
        assert all("Authorization" not in h for h in elsewhere.seen_headers)
