"""Decompressing layers: codecs by their bytes, bounds, digests."""

from __future__ import annotations

import gzip
import zlib

import pytest
import zstandard
from parts.images import make_layer, make_tar

from kfslim.errors import BadImage, DigestMismatch
from kfslim.oci import codec
from kfslim.oci.codec import open_tar
from kfslim.oci.digest import digest_of
from kfslim.oci.image import OCI_LAYER_GZIP, BytesSource, Descriptor, Layer

TAR = make_tar({"a/b.txt": b"hello " * 100_000, "c": b"x" * 3_000_000})


def layer_of(blob: bytes, tar: bytes = TAR, size: int | None = None, digest: str = "") -> Layer:
    descriptor = Descriptor(OCI_LAYER_GZIP, digest or digest_of(blob), size or len(blob))
    return Layer(descriptor, digest_of(tar), BytesSource(blob))


def read_all(layer: Layer) -> bytes:
    with open_tar(layer, prove_tar=True) as tar:
        data = b"".join(iter(tar.read, b""))
        tar.finish()
        assert tar.read_bytes == layer.descriptor.size
    return data


def raw_deflate(data: bytes) -> bytes:
    return gzip.compress(data, 6)


@pytest.mark.parametrize(
    "blob",
    [
        gzip.compress(TAR, 6),
        gzip.compress(TAR[:1000], 1) + gzip.compress(b"") + gzip.compress(TAR[1000:], 9),
        gzip.compress(TAR) + bytes(512),
        zstandard.ZstdCompressor(3).compress(TAR),
        zstandard.ZstdCompressor().compress(TAR[:1000])
        + zstandard.ZstdCompressor().compress(TAR[1000:]),
        b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip" + zstandard.ZstdCompressor().compress(TAR),
        TAR,
    ],
    ids=["gzip", "members", "gzip-padded", "zstd", "frames", "skippable", "plain"],
)
def test_every_codec_gives_the_tar(blob: bytes) -> None:
    assert read_all(layer_of(blob)) == TAR


def test_without_isal_zlib_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "_open_gzip", gzip.GzipFile)
    assert read_all(layer_of(gzip.compress(TAR) + gzip.compress(b""))) == TAR


def test_stored_bytes_are_counted_as_they_are_read() -> None:
    seen: list[int] = []
    layer = make_layer({"x": b"1" * 5_000_000}, "plain")
    with open_tar(layer, advance=seen.append) as tar:
        tar.finish()
    assert sum(seen) == layer.descriptor.size
    assert len(seen) > 4


@pytest.mark.parametrize("keep", [10, 0.5, -9])
@pytest.mark.parametrize("compress", [raw_deflate, zstandard.ZstdCompressor().compress])
def test_a_blob_that_ends_early_is_refused(keep: float, compress) -> None:
    whole = compress(TAR)
    blob = whole[: int(keep * len(whole)) if keep == 0.5 else int(keep)]
    with pytest.raises(BadImage, match=r"damaged|is not the tar"):
        read_all(layer_of(blob))


def test_a_damaged_blob_is_refused() -> None:
    blob = bytearray(gzip.compress(TAR))
    blob[len(blob) // 2] ^= 0x55
    with pytest.raises(BadImage, match=r"damaged|is not the tar"):
        read_all(layer_of(bytes(blob)))


def test_other_bytes_than_promised_are_a_digest_mismatch() -> None:
    with pytest.raises(DigestMismatch):
        read_all(layer_of(gzip.compress(TAR), digest=digest_of(b"other")))


def test_a_digest_is_checked_although_the_tar_ended_before_the_blob() -> None:
    blob = gzip.compress(TAR)
    layer = layer_of(blob + bytes(4_000_000), digest=digest_of(blob), size=len(blob) + 4_000_000)
    with pytest.raises(DigestMismatch), open_tar(layer) as tar:
        tar.read()
        tar.finish()


def test_another_tar_than_the_config_promises_is_refused() -> None:
    with pytest.raises(BadImage, match="is not the tar"):
        read_all(layer_of(gzip.compress(TAR), tar=b"another"))


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_bomb_is_refused_before_it_is_unpacked(kind: str, monkeypatch) -> None:
    monkeypatch.setattr(codec, "FREE_BYTES", 4 << 20)
    zeros = bytes(64 << 20)
    blob = zlib_blob(zeros) if kind == "gzip" else zstandard.ZstdCompressor().compress(zeros)
    read = 0
    with pytest.raises(BadImage, match="bomb"), open_tar(layer_of(blob, zeros)) as tar:
        while chunk := tar.read():
            read += len(chunk)
            assert len(chunk) <= 1 << 20
    assert read <= max(4 << 20, codec.RATIO * len(blob)) + (1 << 20)


def zlib_blob(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


def test_a_small_layer_may_expand_well() -> None:
    tar = make_tar({"preallocated": bytes(20 << 20)})
    assert read_all(layer_of(zlib_blob(tar), tar)) == tar


def test_a_window_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "ZSTD_WINDOW", 1 << 20)
    parameters = zstandard.ZstdCompressionParameters(window_log=23, write_content_size=False)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    blob = packer.compress(TAR * 3) + packer.flush()
    with pytest.raises(BadImage, match="damaged"):
        read_all(layer_of(blob))
