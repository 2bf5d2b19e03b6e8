"""Walking tar headers: every format, and what is refused."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kfslim.errors import BadImage
from kfslim.oci.tarread import Entry, TarReader, safe_link, safe_name


class Chunks:
    """A stream that gives pieces of any size but honest order, as sockets do."""

    def __init__(self, data: bytes, size: int = 1 << 20) -> None:
        self._data, self._size = io.BytesIO(data), size

    def read(self, amount: int = -1, /) -> bytes:
        return self._data.read(min(self._size, amount if amount >= 0 else self._size))


def member(
    name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, link: str = "", mode: int = 0o644
):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname, info.mode = kind, size, link, mode
    return info


def pack(
    *members: tuple[tarfile.TarInfo, bytes], format: int = tarfile.PAX_FORMAT, **more
) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format, **more) as archive:
        for info, data in members:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def entries(data: bytes, size: int = 1 << 20) -> list[Entry]:
    return list(TarReader(Chunks(data, size)))


LONG = "d" * 60 + "/" + "é" * 90 + "/" + "f" * 120


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("piece", [512, 700, 1 << 20])
def test_the_members_are_what_tarfile_wrote(format: int, piece: int) -> None:
    long_name = "a" * 90 + "/" + "b" * 90 if format == tarfile.USTAR_FORMAT else LONG
    data = pack(
        (member("./"), b""),
        (member("./usr", tarfile.DIRTYPE, mode=0o755), b""),
        (member("usr/bin/x", mode=0o4755), b"hello"),
        (member(long_name), b"y" * 1500),
        (member("usr/bin/y", tarfile.LNKTYPE, link="./usr/bin/x"), b""),
        (member("usr/bin/z", tarfile.SYMTYPE, link="../bin/x"), b""),
        (member("dev/null", tarfile.CHRTYPE), b""),
        format=format,
    )
    assert [e._replace(mode=0) for e in entries(data, piece)] == [
        Entry("", "file", 0, 0, ""),
        Entry("usr", "folder", 0, 0, ""),
        Entry("usr/bin/x", "file", 5, 0, ""),
        Entry(long_name, "file", 1500, 0, ""),
        Entry("usr/bin/y", "hardlink", 0, 0, "usr/bin/x"),
        Entry("usr/bin/z", "symlink", 0, 0, "../bin/x"),
        Entry("dev/null", "other", 0, 0, ""),
    ]
    assert entries(data)[2].mode == 0o4755


@given(
    st.lists(
        st.tuples(st.text("abc./é", min_size=1, max_size=150), st.binary(max_size=2000)), max_size=6
    ),
    st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
    st.integers(1, 3000),
)
@settings(max_examples=150, deadline=None)
def test_payloads_survive_any_chunking(files: list[tuple[str, bytes]], format: int, piece: int):
    files = [(f"r/{n}".replace("..", "").strip("/"), d) for n, d in files]
    files = [(name, data) for name, data in files if len(name) > 1]
    reader = TarReader(Chunks(pack(*((member(n), d) for n, d in files), format=format), piece))
    found = [(entry.path, reader.payload(1 << 20)) for entry in reader]
    assert found == [(safe_name(name), data) for name, data in files]


def test_what_is_not_read_is_skipped() -> None:
    data = pack((member("a"), b"1" * 3_000_000), (member("b"), b"2"), (member("c"), b"3" * 700))
    reader, seen = TarReader(Chunks(data)), []
    for entry in reader:
        if entry.path == "a":
            assert len(next(reader.chunks())) > 0
        if entry.path == "c":
            seen.append(reader.payload(700))
    assert seen == [b"3" * 700]


def test_a_size_beyond_octal_is_read_from_base_256_and_from_pax() -> None:
    for format in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        info = member("huge", size=9 << 30)
        header = info.tobuf(format=format)
        with pytest.raises(BadImage, match="truncated"):
            for entry in TarReader(Chunks(header + b"only this")):
                assert entry.size == 9 << 30


@pytest.mark.parametrize(
    "name", ["../x", "a/../../x", "a/..", "..", "/etc/passwd", "//x", "/../x", "./../x", "a\0b"]
)
def test_names_that_leave_the_image_are_refused(name: str) -> None:
    with pytest.raises(BadImage, match="refused"):
        safe_name(name)


@pytest.mark.parametrize(
    ("name", "plain"),
    [("./a//b/./c/", "a/b/c"), ("a", "a"), ("./", ""), ("/", ""), (".", ""), (".x/..y", ".x/..y")],
)
def test_names_are_normalised(name: str, plain: str) -> None:
    assert safe_name(name) == plain


@pytest.mark.parametrize(("path", "target"), [("a", ".."), ("a/b", "../../x"), ("x", "y/../../z")])
def test_symlinks_that_climb_out_are_refused(path: str, target: str) -> None:
    with pytest.raises(BadImage, match="leaves the image"):
        safe_link(path, target)


@pytest.mark.parametrize(
    ("path", "target"), [("a/b", "../x"), ("a", "/etc/x/../y"), ("a/b/c", "../..")]
)
def test_symlinks_inside_are_fine(path: str, target: str) -> None:
    assert safe_link(path, target) == target


def test_a_hostile_name_is_refused_where_it_stands_in_a_layer() -> None:
    for info in (
        member("../../etc/cron.d/x"),
        member("x", tarfile.LNKTYPE, link="../../etc/passwd"),
    ):
        with pytest.raises(BadImage, match="refused"):
            entries(pack((info, b"")))


WHOLE = pack((member("a"), b"1" * 5000), (member(LONG), b"2"))


@pytest.mark.parametrize("keep", [100, 600, 2000, 7000])
def test_a_truncated_archive_is_refused(keep: int) -> None:
    with pytest.raises(BadImage, match=r"truncated|after a pax header"):
        entries(WHOLE[:keep])


def test_an_archive_may_end_without_its_marker() -> None:
    assert entries(pack((member("a"), b"1" * 512))[:1024]) == [Entry("a", "file", 512, 0o644, "")]
    assert entries(b"") == []
    assert entries(bytes(1024)) == []


def test_what_is_no_tar_is_refused() -> None:
    for data in (b"PK\x03\x04" + bytes(range(256)) * 4, WHOLE[:700] + b"!" + WHOLE[701:]):
        with pytest.raises(BadImage):
            entries(data[512:] if data[:2] != b"PK" else data)
    damaged = bytearray(WHOLE)
    damaged[1] ^= 1
    with pytest.raises(BadImage, match="checksum"):
        entries(bytes(damaged))


def test_data_after_a_lone_zero_block_is_refused() -> None:
    with pytest.raises(BadImage, match="after its end"):
        entries(pack((member("a"), b""))[:512] + bytes(512) + WHOLE)


def checked(header: bytearray) -> bytes:
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def test_absurd_and_negative_sizes_are_refused() -> None:
    for size in (
        b"\x80" + b"\x7f" * 11,
        b"\xff" * 12,
        b"zzz".ljust(12, b"\0"),
        b"00000000008\0",
        b"-0000000001\0",
    ):
        header = bytearray(member("a").tobuf())
        header[124:136] = size
        with pytest.raises(BadImage, match="tar header"):
            entries(checked(header))


def test_a_huge_extension_header_is_refused_without_reading_it() -> None:
    for kind in (b"x", b"g", b"L", b"K"):
        header = bytearray(member("a", kind, size=2 << 20).tobuf())
        with pytest.raises(BadImage, match="metadata"):
            entries(bytes(header))


@pytest.mark.parametrize(
    "records",
    [b"xx path=a\n", b"9999 path=a\n", b"11 path=abc", b"8 nopath", b"5 a\n", b"-5 a=b\n"],
)
def test_malformed_pax_records_are_refused(records: bytes) -> None:
    header = member("x", b"x", size=len(records)).tobuf()
    with pytest.raises(BadImage, match="pax header"):
        entries(header + records.ljust(512, b"\0") + WHOLE)


def test_sparse_members_are_refused() -> None:
    with pytest.raises(BadImage, match="sparse"):
        entries(member("x", b"S", size=0).tobuf())
    info = member("x")
    info.pax_headers = {"GNU.sparse.major": "1"}
    with pytest.raises(BadImage, match="sparse"):
        entries(pack((info, b"")))


def test_a_flood_of_members_is_refused() -> None:
    data = pack(*((member(f"f{n}"), b"") for n in range(20)))
    with pytest.raises(BadImage, match="more than 10 members"):
        list(TarReader(Chunks(data), max_members=10))


def test_a_payload_longer_than_asked_for_is_refused() -> None:
    reader = TarReader(Chunks(WHOLE))
    with pytest.raises(BadImage, match="at most 10"):
        for _ in reader:
            reader.payload(10)
