"""A machine's Debian sources as a layer: an image that assembles bases needs mirrors and keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kfslim.build.built import BuiltLayer, NewLayer, layer_once
from kfslim.build.debian.sources import Source
from kfslim.cache import Cache
from kfslim.canonical import sha256_hex, value_digest
from kfslim.files import disk_errors
from kfslim.oci.compress import Codec

_LIST = "etc/apt/sources.list.d/kfslim.list"
_KEYS = "etc/apt/keyrings"


def sources_layer(sources: Sequence[Source], cache: Cache, codec: Codec) -> BuiltLayer:
    """Return the layer with apt's list of ``sources`` and the certificates that sign them.

    A mirror whose address holds credentials is left out.

    Raises:
        DiskError: a keyring cannot be read.
    """
    files = _files([source for source in sources if "@" not in source.uri])
    digests = {path: sha256_hex(data) for path, data in files.items()}
    value = {"format": 1, "codec": codec.model_dump(mode="json"), "files": digests}
    key = value_digest(value).removeprefix("sha256:")

    def fill(new: NewLayer) -> None:
        for path, data in files.items():
            new.tar.add_file(path, data, len(data))

    return layer_once(cache, key, "kfslim: Debian sources", codec, fill)


def _files(sources: Sequence[Source]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    lines = []
    for source in sources:
        keys = {f"{_KEYS}/kfslim-{sha256_hex(k)[:12]}.{_kind(k)}": k for k in _certificates(source)}
        files |= keys
        signed = ",".join(f"/{path}" for path in keys)
        lines.append(f"deb [signed-by={signed}] {source.uri} {source.suite} {source.component}\n")
    return dict(sorted({**files, _LIST: "".join(lines).encode()}.items()))


def _certificates(source: Source) -> Iterator[bytes]:
    yield from source.keys
    for path in source.keyrings:
        with disk_errors("reading a Debian keyring"):
            yield path.read_bytes()


def _kind(data: bytes) -> str:
    return "asc" if data.lstrip().startswith(b"-----BEGIN") else "gpg"
