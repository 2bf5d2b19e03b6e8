from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts.check_image import check_image
from parts.images import make_image, make_layer, small_image, small_index

from kfslim.errors import BadImage, DigestMismatch, DiskError, InputError, KfslimError
from kfslim.oci.digest import VerifyingReader, check_digest, digest_of
from kfslim.oci.image import (
    DOCKER_LAYER_GZIP,
    OCI_LAYER_GZIP,
    BytesSource,
    Descriptor,
    FileSource,
    Image,
    Index,
    Platform,
)

NOWHERE = BytesSource(b"")


def parsed(image: Image, **changes: object) -> Image:
    manifest = json.dumps({**image.manifest, **changes}).encode()
    return Image.parse(manifest, image.media_type, image.config_bytes, NOWHERE)


def test_parsing_keeps_the_bytes() -> None:
    image = small_image()
    spaced = json.dumps(image.manifest, indent=3).encode()
    found = Image.parse(spaced, image.media_type, image.config_bytes, NOWHERE)
    assert found.manifest_bytes == spaced
    assert found.digest == digest_of(spaced) != image.digest
    assert found.layers == image.layers


def test_the_same_parts_give_the_same_bytes() -> None:
    assert small_image(Env=["A=1"]) == small_image(Env=["A=1"])
    assert small_index().index_bytes == small_index().index_bytes


def test_layers_go_on_top_and_the_old_image_stays() -> None:
    base = make_image({"a": b"1"})
    grown = base.with_layers([make_layer({"b": b"2"})], [{"created_by": "b"}])
    assert len(base.layers) == 1
    assert grown.layers[0] == base.layers[0]
    assert [entry["created_by"] for entry in grown.config["history"]] == ["tree 0", "b"]
    check_image(None, grown)


def test_each_layer_needs_its_history() -> None:
    with pytest.raises(ValueError, match="history"):
        make_image().with_layers([make_layer({"b": b"2"})], [])


def test_schema_2_stays_schema_2_unless_zstd() -> None:
    base = make_image({"a": b"1"}, docker=True)
    entry = [{"created_by": "b"}]
    gzip = base.with_layers([make_layer({"b": b"2"})], entry)
    assert {layer.descriptor.media_type for layer in gzip.layers} == {DOCKER_LAYER_GZIP}
    zstd = base.with_layers([make_layer({"b": b"2"}, "zstd")], entry)
    assert not zstd.is_docker
    assert zstd.layers[0].descriptor.media_type == OCI_LAYER_GZIP
    for image in (base, gzip, zstd, base.as_oci()):
        check_image(None, image)


def test_config_is_merged() -> None:
    image = make_image(Env=["A=1", "B=2"], User="root", Labels={"x": "y"})
    new = image.with_config(env={"B": "3", "C": "="}, labels={"l": "m"}, annotations={"n": "o"},
                            User=None, WorkingDir="/w")  # fmt: skip
    assert new.env == {"A": "1", "B": "3", "C": "="}
    assert new.labels == {"x": "y", "l": "m"}
    assert new.annotations == {"n": "o"}
    assert new.runtime["WorkingDir"] == "/w"
    assert "User" not in new.runtime


@pytest.mark.parametrize(
    "changes",
    [
        {"config": None},
        {"config": {"digest": "sha256:" + "0" * 64, "size": 1, "mediaType": "x"}},
        {"layers": []},
        {"layers": [{"digest": "sha256:../../x", "size": 1}] * 2},
        {"layers": [{"digest": "sha256:" + "0" * 64, "size": -1}] * 2},
        {"layers": [{"digest": "sha256:" + "0" * 64, "size": True}] * 2},
        {"layers": ["x", "y"]},
    ],
)
def test_contradictions_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(BadImage):
        parsed(small_image(), **changes)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
KEYS = st.sampled_from(["config", "layers", "manifests", "rootfs", "digest", "size", "platform"])


@given(st.dictionaries(KEYS, JSON), st.dictionaries(KEYS, JSON))
def test_hostile_json_is_refused_in_words(manifest: object, config: object) -> None:
    config_bytes = json.dumps(config).encode()
    good = {"config": {"digest": digest_of(config_bytes), "size": len(config_bytes)}}
    for value in (manifest, {**manifest, **good}):
        data = json.dumps(value).encode()
        for read in (
            lambda d=data: Image.parse(d, "x", config_bytes, NOWHERE),
            lambda d=data: Index.parse(d, "x"),
        ):
            try:
                read()
            except KfslimError as error:
                assert "\n" not in error.message


def test_an_index_chooses() -> None:
    index = small_index()
    for name in ("linux/amd64", "linux/arm64", "linux/arm64/v8"):
        chosen = index.choose(Platform.parse(name))
        assert chosen.platform is not None
        assert chosen.platform.matches(Platform.parse(name))
    with pytest.raises(BadImage, match=r"there is linux/amd64, linux/arm64"):
        index.choose(Platform.parse("linux/ppc64le"))


@pytest.mark.parametrize("text", ["", "linux", "linux/", "a/b/c/d", "/amd64"])
def test_what_is_no_platform(text: str) -> None:
    with pytest.raises(InputError):
        Platform.parse(text)


@given(st.binary(max_size=300), st.integers(1, 64))
def test_a_verified_stream_gives_its_bytes(data: bytes, amount: int) -> None:
    reader = VerifyingReader(io.BytesIO(data), digest_of(data), len(data))
    assert b"".join(iter(lambda: reader.read(amount), b"")) == data


@given(st.binary(min_size=1, max_size=50), st.integers(-3, 3), st.booleans())
def test_a_verified_stream_notices(data: bytes, longer: int, flip: bool) -> None:
    size = max(0, len(data) + longer)
    digest = digest_of(data if not flip else data + b"!")
    reader = VerifyingReader(io.BytesIO(data), digest, size)
    if size == len(data) and not flip:
        assert reader.read() == data
    else:
        with pytest.raises(DigestMismatch):
            reader.read()


def test_a_file_that_is_gone(tmp_path) -> None:
    with pytest.raises(DiskError, match="opening a blob"):
        FileSource(str(tmp_path / "gone")).open_blob(Descriptor("", digest_of(b""), 0))


@pytest.mark.parametrize("text", ["", "sha256:", "sha512:" + "a" * 128, "sha256:" + "A" * 64])
def test_what_is_no_digest(text: str) -> None:
    with pytest.raises(BadImage):
        check_digest(text)
