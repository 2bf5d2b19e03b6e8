"""What a shared object is linked to: the DT_NEEDED entries of 64-bit little-endian ELF files.

Format: System V ABI, "Object Files" and "Program Loading and Dynamic Linking".
"""

from __future__ import annotations

import struct
from typing import BinaryIO

_HEAD = struct.Struct("<4s2B10xHHIQQQIHHH")  # up to e_phnum
_SEGMENT = struct.Struct("<IIQQQQQQ")
_DYNAMIC = struct.Struct("<qQ")
_LOAD, _DYNAMIC_SEGMENT = 1, 2
_NEEDED, _STRINGS, _STRINGS_SIZE = 1, 5, 10
_MOST = 1 << 24  # bytes of a table; real ones have a few thousand


def needed(stream: BinaryIO) -> tuple[str, ...] | None:
    """Return the names that the loader looks for; None if ``stream`` is no such ELF file."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size or head[:6] != b"\x7fELF\x02\x01":
        return None
    offset, size, count = (_HEAD.unpack(head)[at] for at in (7, 11, 12))
    try:
        return _linked(stream, offset, size, count)
    except (struct.error, ValueError, StopIteration):
        return None


def _linked(stream: BinaryIO, offset: int, size: int, count: int) -> tuple[str, ...]:
    table = _read(stream, offset, size * count)
    segments = [_SEGMENT.unpack_from(table, size * number) for number in range(count)]
    dynamic = next((s for s in segments if s[0] == _DYNAMIC_SEGMENT), None)
    if dynamic is None:
        return ()
    raw = _read(stream, dynamic[2], dynamic[5])
    entries = list(_DYNAMIC.iter_unpack(raw[: len(raw) // _DYNAMIC.size * _DYNAMIC.size]))
    facts = dict(entries)
    address = facts.get(_STRINGS, 0)
    place = next(s for s in segments if s[0] == _LOAD and s[3] <= address < s[3] + s[5])
    strings = _read(stream, place[2] + address - place[3], facts.get(_STRINGS_SIZE, 0))
    return tuple(
        strings[at : strings.index(b"\0", at)].decode("utf-8", "replace")
        for tag, at in entries
        if tag == _NEEDED
    )


def _read(stream: BinaryIO, offset: int, size: int) -> bytes:
    if size > _MOST:
        raise ValueError("no table is that long")
    stream.seek(offset)
    data = stream.read(size)
    if len(data) < size:
        raise ValueError("the file ends too early")
    return data
