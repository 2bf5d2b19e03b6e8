"""The one invariant checker that every producer of images passes through."""

from __future__ import annotations

import gzip
import hashlib
import io
import posixpath
import tarfile
from typing import Any, BinaryIO

import zstandard

from kfslim.oci.digest import digest_of
from kfslim.oci.image import (
    DOCKER_CONFIG,
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_LAYER,
    OCI_LAYER_GZIP,
    OCI_LAYER_ZSTD,
    OCI_MANIFEST,
    Descriptor,
    Image,
    Index,
    Layer,
)
from kfslim.oci.store import Reader

_OCI_TYPES = {OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD}
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


def check_image(store: Reader | None, image: Image | Index, *, ours: bool = False) -> None:
    """Assert all that must hold of a stored image (``store`` None: of one not yet stored).

    Every digest, size and diff_id is computed again with Python's own gzip, zstandard and tarfile.
    ``ours`` adds what only holds of layers that kfslim wrote: sorted members, no times, no names.
    """
    if isinstance(image, Index):
        _check_index(store, image, ours)
        return
    if store:
        assert store.read(image.digest).manifest_bytes == image.manifest_bytes
    _check_types(image)
    _check_config(image)
    for layer in image.layers:
        check_layer(layer, ours=ours)


def _check_index(store: Reader | None, index: Index, ours: bool) -> None:
    assert index.manifests, "an index without manifests"
    listed = index.manifests
    for descriptor in listed:
        if store:
            image = store.read(descriptor.digest)
        else:
            image = next(i for i in index.images if i.digest == descriptor.digest)
        assert len(image.manifest_bytes) == descriptor.size
        assert image.media_type == descriptor.media_type
        assert descriptor.platform is None or descriptor.platform.matches(image.platform)
        check_image(store, image, ours=ours)


def _check_types(image: Image) -> None:
    manifest = image.manifest
    assert manifest["schemaVersion"] == 2
    assert manifest.get("mediaType", image.media_type) == image.media_type
    types = {layer.descriptor.media_type for layer in image.layers}
    config_type = image.config_descriptor.media_type
    if image.media_type == DOCKER_MANIFEST:
        assert config_type == DOCKER_CONFIG, f"mixed types: {config_type}"
        assert types <= {DOCKER_LAYER_GZIP}, f"mixed types: {types}"
    else:
        assert image.media_type == OCI_MANIFEST
        assert config_type == OCI_CONFIG, f"mixed types: {config_type}"
        assert types <= _OCI_TYPES, f"mixed types: {types}"


def _check_config(image: Image) -> None:
    config: dict[str, Any] = image.config
    described = image.config_descriptor
    assert described.digest == digest_of(image.config_bytes)
    assert described.size == len(image.config_bytes)
    assert config["rootfs"]["type"] == "layers"
    assert config["rootfs"]["diff_ids"] == [layer.diff_id for layer in image.layers]
    assert config.get("os") and config.get("architecture")
    filled = [h for h in config.get("history") or [] if not h.get("empty_layer")]
    assert len(filled) == len(image.layers), f"{len(filled)} history entries for layers"
    listed = [Descriptor.from_json(d) for d in image.manifest["layers"]]
    assert listed == [layer.descriptor for layer in image.layers]


def check_layer(layer: Layer, *, ours: bool = False) -> None:
    """Assert digest, size and diff_id of one layer, and that its members are safe."""
    with layer.open() as stream:
        blob = stream.read()
    assert len(blob) == layer.descriptor.size
    assert digest_of(blob) == layer.descriptor.digest
    codec = next((name for magic, name in _MAGIC.items() if blob.startswith(magic)), "plain")
    assert codec == _codec_of(layer.descriptor.media_type), f"{codec} under another media type"
    if ours and codec == "gzip":
        assert not blob[3] & 0x1C and blob[4:8] == bytes(4), "a gzip header with name or time"
    plain = _plain(blob, codec)
    assert "sha256:" + hashlib.sha256(plain.getbuffer()).hexdigest() == layer.diff_id
    _check_members(plain, ours)


def _codec_of(media_type: str) -> str:
    return {OCI_LAYER: "plain", OCI_LAYER_ZSTD: "zstd"}.get(media_type, "gzip")


def _plain(blob: bytes, codec: str) -> io.BytesIO:
    if codec == "gzip":
        return io.BytesIO(gzip.decompress(blob))
    if codec == "zstd":
        with zstandard.ZstdDecompressor().stream_reader(blob, read_across_frames=True) as stream:
            return io.BytesIO(stream.read())
    return io.BytesIO(blob)


def _check_members(plain: BinaryIO, ours: bool) -> None:
    seen: set[str] = set()
    order: list[str] = []
    with tarfile.open(fileobj=plain, mode="r:") as archive:
        for member in archive:
            name = member.name
            assert not name.startswith("/"), f"absolute path {name!r}"
            assert ".." not in name.split("/"), f"{name!r} climbs out"
            if member.islnk():
                assert not member.linkname.startswith("/") and ".." not in member.linkname
            if ours:
                _check_ours(member, seen)
            seen.add(posixpath.normpath(name))
            order.append(name.rstrip("/"))
    if ours:
        assert order == sorted(order, key=lambda name: name.split("/")) or order == sorted(order)


def _check_ours(member: tarfile.TarInfo, seen: set[str]) -> None:
    name = posixpath.normpath(member.name)
    assert name not in seen, f"{name!r} twice"
    parent = posixpath.dirname(name)
    assert not parent or parent in seen, f"{name!r} before its folder"
    assert member.mtime == 0, f"{name!r} has a time"
    assert not member.uname and not member.gname, f"{name!r} has an owner's name"
    assert member.isreg() or member.isdir() or member.issym(), f"{name!r} is of another kind"
