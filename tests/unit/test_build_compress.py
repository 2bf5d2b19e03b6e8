"""Layer blobs: digests, determinism, and a plan's codec."""

import gzip
import hashlib
import io

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from kfslim.errors import BadPlan, DiskError
from kfslim.oci.compress import Codec, LayerWriter, as_layer, check_codec, current_codec

CODECS = [current_codec("gzip"), current_codec("gzip", 9), current_codec("zstd")]


def pack(codec, path, pieces):
    writer = LayerWriter(codec, path)
    for piece in pieces:
        writer.write(piece)
    return writer.close()


def unpack(codec, data):
    if codec.name == "gzip":
        return gzip.decompress(data)
    return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()


@pytest.mark.parametrize("codec", CODECS, ids=str)
def test_facts_are_those_of_the_bytes(codec, tmp_path):
    pieces = [b"head", bytes(3 << 20), b"\1\2\3" * 700_000, b""]
    facts = pack(codec, tmp_path / "blob", pieces)
    plain, stored = b"".join(pieces), (tmp_path / "blob").read_bytes()
    assert unpack(codec, stored) == plain
    assert facts.diff_id == "sha256:" + hashlib.sha256(plain).hexdigest()
    assert facts.digest == "sha256:" + hashlib.sha256(stored).hexdigest()
    assert (facts.content_bytes, facts.tar_bytes) == (len(stored), len(plain))
    assert as_layer(facts, codec, tmp_path / "blob").open().read() == stored


@pytest.mark.parametrize("codec", CODECS, ids=str)
@given(cuts=st.lists(st.integers(1, 900_000), max_size=6))
def test_how_the_caller_cuts_its_writes_changes_nothing(codec, cuts, tmp_path_factory):
    data = b"".join(hashlib.sha256(b"%d" % i).digest() * 9 for i in range(6000))
    folder = tmp_path_factory.mktemp("cuts")
    pieces, start = [], 0
    for cut in cuts:
        pieces.append(data[start : start + cut])
        start += cut
    pieces.append(data[start:])
    assert pack(codec, folder / "a", pieces) == pack(codec, folder / "b", [data])


def test_the_gzip_header_holds_no_name_and_no_time(tmp_path):
    pack(CODECS[0], tmp_path / "named", [b"x"])
    header = (tmp_path / "named").read_bytes()[:10]
    assert header[:3] == b"\x1f\x8b\x08"
    assert header[3] == 0  # no name, no comment, no extra field
    assert header[4:8] == bytes(4)


def test_another_library_version_is_refused_with_its_name():
    check_codec(current_codec("gzip"))
    check_codec(current_codec("zstd"))
    with pytest.raises(BadPlan, match=r"zlib-ng 1\.0\.0") as caught:
        check_codec(Codec(name="gzip", level=6, library="zlib-ng 1.0.0"))
    assert "Install zlib-ng 1.0.0" in caught.value.hint


def test_a_full_disk_is_a_disk_error():
    from pathlib import Path

    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    writer = LayerWriter(CODECS[0], Path("/dev/full"))
    with pytest.raises(DiskError, match="No space left"):
        for i in range(64):
            writer.write(hashlib.sha256(b"%d" % i).digest() * 40_000)
        writer.close()
    writer.abort()
