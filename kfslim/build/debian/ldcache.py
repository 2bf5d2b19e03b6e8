"""``/etc/ld.so.cache`` as ldconfig(8) would write it, from the libraries that a layer holds.

The dynamic loader finds libraries in its default folders without it; with it, programs start with
fewer lookups, folders named in ``/etc/ld.so.conf.d`` are searched, and ``ldconfig -p``, which
Python's ``ctypes.util.find_library`` asks, answers.  Format: glibc ``sysdeps/generic/dl-cache.h``,
"glibc-ld.so.cache1.1", little-endian, without extensions.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable, Iterator
from functools import cmp_to_key
from posixpath import basename, dirname

from kfslim.build.debian.rootfs import Rootfs

CACHE = "etc/ld.so.cache"
_MAGIC = b"glibc-ld.so.cache1.1"
_HEADER = struct.Struct("<20sIIB3xI12x")
_ENTRY = struct.Struct("<iIIIQ")
_LITTLE_ENDIAN = 2
# glibc: FLAG_ELF_LIBC6 | the architecture's flag (sysdeps/generic/ldconfig.h); ELF e_machine.
_FLAGS = {62: 0x0303, 183: 0x0A03}  # x86-64, aarch64
_PARTS = re.compile(r"\d+|\D")
_DT_SONAME, _DT_STRTAB, _DT_NULL = 14, 5, 0
_PT_LOAD, _PT_DYNAMIC = 1, 2
_ET_DYN = 3
_LONGEST_NAME = 256
Read = Callable[[int, int], bytes]


def library_cache(rootfs: Rootfs) -> bytes:
    """Return the cache for all libraries in the configured and default folders.

    Of what lies beneath, the entries of its own cache are taken over.
    """
    found = {
        (soname, flags): path
        for soname, path, flags in decode(rootfs.beneath.files.get(CACHE, b""))
    }
    fresh: dict[tuple[str, int], str] = {}
    for folder, real in _folders(rootfs):
        for name, machine in _libraries(rootfs, real):
            if machine in _FLAGS:
                fresh.setdefault((name, _FLAGS[machine]), f"/{folder}/{name}")
    return encode([(soname, path, flags) for (soname, flags), path in {**found, **fresh}.items()])


def _folders(rootfs: Rootfs) -> Iterator[tuple[str, str]]:
    """Folders in the order of ld.so.conf.d, then glibc's own; each once, with its real path."""
    named = [
        line.strip("/")
        for path in sorted({*rootfs, *rootfs.beneath.files})
        if path.startswith("etc/ld.so.conf.d/") and path.endswith(".conf")
        for line in rootfs.read(path).decode("utf-8", "replace").split("\n")
        if line.startswith("/")
    ]
    seen = set()
    for folder in [*named, "lib", "usr/lib"]:
        real = rootfs.resolve(folder + "/x").removesuffix("/x")
        if real not in seen:
            seen.add(real)
            yield folder, real


def _libraries(rootfs: Rootfs, folder: str) -> Iterator[tuple[str, int]]:
    """Yield (file name, machine) of what the loader may be asked for in a folder."""
    for path in rootfs:
        name = basename(path)
        if dirname(path) != folder or ".so" not in name or not name.startswith(("lib", "ld-")):
            continue
        member = rootfs.get(rootfs.follow(path))
        if member is None or member.kind != "file":
            continue
        soname, machine = elf_soname(member.read)
        if machine and (soname or name) == name:
            yield name, machine


def elf_soname(read: Read) -> tuple[str, int]:
    """Return a shared object's DT_SONAME and e_machine; ``("", 0)`` for anything else.

    ``read(offset, size)`` gives at most that many bytes of the file.
    """
    head = read(0, 64)
    if head[:6] != b"\x7fELF\x02\x01":  # 64 bits, little-endian
        return "", 0
    try:
        kind, machine = struct.unpack_from("<HH", head, 16)
        return (_soname(read, head), machine) if kind == _ET_DYN else ("", 0)
    except (struct.error, ValueError):
        return "", 0


def _soname(read: Read, head: bytes) -> str:
    start, step, count = struct.unpack_from("<Q", head, 32) + struct.unpack_from("<HH", head, 54)
    table, loads, dynamic = read(start, step * count), [], (0, 0)
    for number in range(count):
        kind, _, offset, address, _, size = struct.unpack_from("<IIQQQQ", table, number * step)
        if kind == _PT_LOAD:
            loads.append((address, offset, size))
        elif kind == _PT_DYNAMIC:
            dynamic = (offset, size)
    tags = dict(_tags(read(*dynamic)))
    if _DT_SONAME not in tags or _DT_STRTAB not in tags:
        return ""
    name = read(_file_offset(tags[_DT_STRTAB], loads) + tags[_DT_SONAME], _LONGEST_NAME)
    return name[: name.index(b"\0")].decode("utf-8", "replace")


def _tags(dynamic: bytes) -> Iterator[tuple[int, int]]:
    for tag, value in struct.iter_unpack("<qQ", dynamic[: len(dynamic) // 16 * 16]):
        if tag == _DT_NULL:
            return
        yield tag, value


def _file_offset(address: int, loads: Iterable[tuple[int, int, int]]) -> int:
    for start, offset, size in loads:
        if start <= address < start + size:
            return address - start + offset
    raise ValueError("an address outside of the file")


def encode(libraries: list[tuple[str, str, int]]) -> bytes:
    """Return a cache of (soname, path, flags); entries descend, as the loader expects."""
    order = cmp_to_key(compare_names)
    libraries.sort(key=lambda library: order(library[0]), reverse=True)
    strings, entries = bytearray(), bytearray()
    base = _HEADER.size + _ENTRY.size * len(libraries)
    for soname, path, flags in libraries:
        key = base + len(strings)
        strings += soname.encode() + b"\0"
        entries += _ENTRY.pack(flags, key, base + len(strings), 0, 0)
        strings += path.encode() + b"\0"
    header = _HEADER.pack(_MAGIC, len(libraries), len(strings), _LITTLE_ENDIAN, 0)
    return bytes(header + entries + strings)


def decode(cache: bytes) -> Iterator[tuple[str, str, int]]:
    """Yield (soname, path, flags) of a cache's entries; nothing for another format or a damage."""
    try:
        magic, count, *_ = _HEADER.unpack_from(cache)
        if magic == _MAGIC:
            for number in range(count):
                at = _HEADER.size + number * _ENTRY.size
                flags, key, value, _, hardware = _ENTRY.unpack_from(cache, at)
                if not hardware:  # one for special processors is found in its own folder as well
                    yield _string(cache, key), _string(cache, value), flags
    except (struct.error, ValueError):
        return


def _string(cache: bytes, at: int) -> str:
    return cache[at : cache.index(b"\0", at)].decode("utf-8", "replace")


def compare_names(left: str, right: str) -> int:
    """Order library names as glibc's ``_dl_cache_libcmp``: runs of digits by their number."""
    one, two = _PARTS.findall(left), _PARTS.findall(right)
    for a, b in zip(one, two, strict=False):
        if a.isdigit() and b.isdigit():
            if int(a) != int(b):
                return int(a) - int(b)
        elif a.isdigit() or b.isdigit():
            return 1 if a.isdigit() else -1
        elif a != b:
            return ord(a) - ord(b)
    return len(one) - len(two)
