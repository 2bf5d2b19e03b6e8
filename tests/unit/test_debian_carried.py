"""The Debian sources that an image carries are read back as they were."""

from __future__ import annotations

from pathlib import Path

from kfslim.build.debian.apt import read_apt
from kfslim.build.debian.carried import sources_layer
from kfslim.build.debian.sources import Source
from kfslim.cache import Cache
from kfslim.oci.compress import current_codec


def files_of(layer, folder: Path) -> None:
    """Unpack a layer's files below ``folder``."""
    import io
    import tarfile
    import zlib

    with layer.open() as stream:
        data = zlib.decompress(stream.read(), 31)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        archive.extractall(folder, filter="data")


def test_sources_come_back_with_their_keys(tmp_path):
    keyring = tmp_path / "archive.gpg"
    keyring.write_bytes(b"\x99\x01certificate")
    armoured = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n"
    sources = [
        Source("https://mirror.example.com/debian", "bookworm", (keyring,)),
        Source("https://mirror.example.com/security", "bookworm-security", (), (armoured,)),
        Source("https://ada:sesame@mirror.example.com/x", "bookworm", (keyring,)),
    ]
    codec = current_codec("gzip")
    made = sources_layer(sources, Cache(tmp_path / "cache"), codec)
    files_of(made.layer, tmp_path / "root")
    entries = read_apt(tmp_path / "root" / "etc" / "apt")
    assert [(e.uri, e.suite, e.components) for e in entries] == [
        ("https://mirror.example.com/debian", "bookworm", ("main",)),
        ("https://mirror.example.com/security", "bookworm-security", ("main",)),
    ]
    root = tmp_path / "root"
    kept = [(root / str(e.keyrings[0]).lstrip("/")).read_bytes() for e in entries]
    assert kept == [keyring.read_bytes(), armoured]
    assert "sesame" not in "".join(p.read_text("latin-1") for p in root.rglob("*") if p.is_file())
    assert sources_layer(sources, Cache(tmp_path / "other"), codec).layer.descriptor == (
        made.layer.descriptor
    )
