"""The real parts themselves: each starts, answers, and is a judge that can say no."""

from __future__ import annotations

import socket
import subprocess

import pytest
from parts.check_image import check_image
from parts.images import make_image, make_layer, small_image, small_index
from parts.real_registry import Registry

from kfslim.oci.image import DOCKER_LAYER_GZIP, BytesSource, Descriptor, Image, Layer


def test_a_registry_listens(registry: Registry) -> None:
    name, _, port = registry.host.partition(":")
    with socket.create_connection((name, int(port)), 2):
        assert registry.storage.parent.is_dir()


def test_an_engine_answers(engine: str) -> None:
    import docker

    client = docker.from_env()
    assert client.ping()
    client.close()


def test_skopeo_runs(skopeo: str) -> None:
    assert b"skopeo" in subprocess.run([skopeo, "--version"], capture_output=True).stdout


@pytest.mark.parametrize("codec", ["gzip", "zstd", "plain"])
def test_the_checker_accepts_good_images(codec: str) -> None:
    check_image(None, make_image({"a/b": b"x"}, {"c": b"y"}, codec=codec))
    check_image(None, small_image(docker=True))
    check_image(None, small_index())


def _broken_diff_id() -> Image:
    good = make_layer({"a": b"1"})
    return Image.build(_config(1), [Layer(good.descriptor, make_layer({}).diff_id, good.source)])


def _broken_size() -> Image:
    good = make_layer({"a": b"1"})
    d = good.descriptor
    wrong = Descriptor(d.media_type, d.digest, d.size + 1)
    return Image.build(_config(1), [Layer(wrong, good.diff_id, good.source)])


def _broken_history() -> Image:
    return Image.build(_config(2), [make_layer({"a": b"1"})])


def _mixed_types() -> Image:
    image = small_image()
    text = image.manifest_bytes.replace(
        b"application/vnd.oci.image.layer.v1.tar+gzip", DOCKER_LAYER_GZIP.encode()
    )
    return Image.parse(text, image.media_type, image.config_bytes, image.layers[0].source)


def _climbing_member() -> Image:
    return make_image({"../escape": b"x"})


def _wrong_codec() -> Image:
    good, plain = make_layer({"a": b"1"}), make_layer({"a": b"1"}, "plain")
    d = Descriptor(good.descriptor.media_type, plain.descriptor.digest, plain.descriptor.size)
    source = plain.source
    assert isinstance(source, BytesSource)
    return Image.build(_config(1), [Layer(d, plain.diff_id, source)])


def _config(history: int) -> dict[str, object]:
    return {"os": "linux", "architecture": "amd64", "history": [{"created_by": "x"}] * history}


@pytest.mark.parametrize(
    "broken",
    [_broken_diff_id, _broken_size, _broken_history, _mixed_types, _climbing_member, _wrong_codec],
)
def test_the_checker_refuses_bad_images(broken) -> None:
    image = broken()
    with pytest.raises(Exception):  # noqa: B017 - an assertion, or the reader's DigestMismatch
        check_image(None, image)
