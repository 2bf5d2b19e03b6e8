"""What only a registry has: passwords, TLS, mounting, other people's clients."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from parts.check_image import check_image
from parts.images import make_image, small_image
from parts.real_registry import (
    HTPASSWD_PASSWORD,
    HTPASSWD_USER,
    Registry,
    make_certificate,
    make_htpasswd,
    start_registry,
)

from kfslim.errors import AuthError, StoreError
from kfslim.oci import open_reader, open_store
from kfslim.oci.image import Image
from kfslim.oci.upload import STREAMED_FROM


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Registry, Path]]:
    """A registry behind TLS and a password; yields it and its certificate."""
    folder = tmp_path_factory.mktemp("guarded")
    certificate, key = make_certificate(folder)
    password = make_htpasswd(folder)
    with start_registry(folder / "r", htpasswd=password, tls=(certificate, key)) as running:
        yield running, certificate


@pytest.fixture
def signed_in(
    guarded: tuple[Registry, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Registry:
    running, certificate = guarded
    entry = {"username": HTPASSWD_USER, "password": HTPASSWD_PASSWORD}
    (tmp_path / ".dockerconfigjson").write_text(json.dumps({"auths": {running.host: entry}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    return running


def test_tls_and_a_password_from_a_mounted_secret(signed_in: Registry) -> None:
    store, image = open_store(signed_in.reference("x/y")), small_image()
    store.write(image, "t")
    assert open_store(signed_in.reference("x/y")).tags() == ["t"]
    check_image(store, open_reader(signed_in.reference("x/y:t")).read())


def test_no_password_is_refused_in_words(
    signed_in: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "none"))
    with pytest.raises(AuthError, match="needs credentials") as caught:
        open_store(signed_in.reference("x/y")).write(small_image(), "t")
    assert signed_in.host in caught.value.hint


def test_an_unknown_certificate_is_refused_unless_asked_for(
    signed_in: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with pytest.raises(StoreError, match="certificate"):
        open_store(signed_in.reference("x/tls")).resolve("t")
    store = open_store(signed_in.reference("x/tls"), insecure=True)
    store.write(small_image(), "t")
    assert store.tags() == ["t"]


def test_a_layer_from_another_repository_is_mounted(registry: Registry) -> None:
    image = make_image({"big": os.urandom(100_000)}, {"b": b"1"})
    open_store(registry.reference("mount/from")).write(image, "t")
    base = open_reader(registry.reference("mount/from:t")).read()
    grown = base.with_config(User="7")
    target = open_store(registry.reference("mount/to"))
    written = target.write(grown, "t")
    assert written.mounted_bytes == image.content_bytes
    assert written.pushed_bytes == len(grown.config_bytes) + 2 * len(grown.manifest_bytes)
    check_image(target, target.read("t"))


def test_a_repository_that_the_caller_knows_is_mounted_from(registry: Registry) -> None:
    image = make_image({"big": os.urandom(100_000)})
    open_store(registry.reference("known/from")).write(image, "t")
    target = open_store(registry.reference("known/to"))
    target.mount_from = ("known/nothing", "known/from")
    written = target.write(image, "t")
    assert written.mounted_bytes == image.content_bytes + len(image.config_bytes)
    check_image(target, target.read("t"))


def test_a_large_blob_is_streamed(registry: Registry) -> None:
    image = make_image({"big": os.urandom(STREAMED_FROM + 1)})
    store = open_store(registry.reference("large/blob"))
    assert store.write(image, "t").pushed_bytes > STREAMED_FROM
    check_image(store, store.read("t"))


@contextmanager
def cutting_proxy(host: str, after: int) -> Iterator[str]:
    """Forward to ``host``; the first connection that sends ``after`` bytes is cut, once."""
    name, _, port = host.partition(":")
    cut = threading.Event()

    def pump(source: socket.socket, target: socket.socket, limit: int) -> None:
        seen = 0
        with suppress(OSError):
            while data := source.recv(1 << 16):
                seen += len(data)
                if seen > limit and not cut.is_set():
                    cut.set()
                    break
                target.sendall(data)
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection((name, int(port)))
                for pair in ((client, server, after), (server, client, 1 << 60)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        assert cut.is_set(), "nothing was cut"


def test_a_push_that_is_cut_ends_well(registry: Registry) -> None:
    """This registry forgets a broken upload (its state no longer fits), so it is redone."""
    image = make_image({"big": os.urandom(STREAMED_FROM + (2 << 20))})
    with cutting_proxy(registry.host, STREAMED_FROM) as host:
        open_store(f"docker://{host}/cut/push").write(image, "t")
    store = open_store(registry.reference("cut/push"))
    check_image(store, store.read("t"))


def test_an_unchanged_image_costs_one_request(registry: Registry) -> None:
    image = small_image("unchanged")
    open_store(registry.reference("cost/one")).write(image, "t")
    store = open_store(registry.reference("cost/one"))
    store.resolve("t")
    before = len(registry.requests())
    store.write(image, "t")
    assert registry.requests()[before:] == ["HEAD /v2/cost/one/manifests/t"]


def test_docker_pulls_and_pushes_what_we_read_and_write(registry: Registry, engine: str) -> None:
    import docker

    image = small_image("pulled", Cmd=["/nothing"])
    open_store(registry.reference("engine/pull")).write(image, "t")
    name = f"{registry.host}/engine/pull"
    client = docker.from_env()
    try:
        pulled = client.images.pull(name, tag="t")
        assert pulled.id == image.config_descriptor.digest
        assert f"{name}@{image.digest}" in pulled.attrs["RepoDigests"]
        by_digest = open_store(f"docker-daemon:{name}@{image.digest}").resolve()
        assert by_digest is not None
        assert by_digest.digest == pulled.id
        pulled.tag(name, tag="pushed")
        client.images.push(name, tag="pushed")
        again = open_reader(registry.reference("engine/pull:pushed")).read()
        assert again.is_docker
        check_image(None, again)
        assert again.config_bytes == image.config_bytes
    finally:
        for tag in ("t", "pushed"):
            client.images.remove(f"{name}:{tag}")
        client.close()


@pytest.mark.parametrize("docker", [False, True])
def test_skopeo_inspects(registry: Registry, skopeo: str, docker: bool) -> None:
    image: Image = small_image("inspected", docker=docker, Env=["A=b"])
    open_store(registry.reference("skopeo/inspect")).write(image, "t")
    command = [skopeo, "inspect", "--tls-verify=false", registry.reference("skopeo/inspect:t")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["Digest"] == image.digest
    assert said["Env"] == ["A=b"]
    assert said["Layers"] == [layer.descriptor.digest for layer in image.layers]
