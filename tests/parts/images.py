"""Small real images for tests, the same bytes every time."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping
from typing import Any

from kfslim.oci.digest import digest_of
from kfslim.oci.image import (
    OCI_LAYER,
    OCI_LAYER_GZIP,
    OCI_LAYER_ZSTD,
    BytesSource,
    Descriptor,
    Image,
    Index,
    Layer,
    Platform,
)


def make_tar(files: Mapping[str, bytes]) -> bytes:
    """Pack ``files`` (path -> content) with their folders, sorted, without times and names."""
    folders = {"/".join(p.split("/")[:n]) for p in files for n in range(1, p.count("/") + 1)}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted({*folders, *files}):
            info = tarfile.TarInfo(path)
            if path in files:
                info.size = len(files[path])
                archive.addfile(info, io.BytesIO(files[path]))
            else:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(info)
    return out.getvalue()


def make_layer(files: Mapping[str, bytes], codec: str = "gzip") -> Layer:
    """Pack one layer; ``codec`` is gzip, zstd or plain."""
    tar = make_tar(files)
    if codec == "gzip":
        blob, media_type = gzip.compress(tar, 6, mtime=0), OCI_LAYER_GZIP
    elif codec == "zstd":
        import zstandard

        blob, media_type = zstandard.ZstdCompressor(3).compress(tar), OCI_LAYER_ZSTD
    else:
        blob, media_type = tar, OCI_LAYER
    descriptor = Descriptor(media_type, digest_of(blob), len(blob))
    return Layer(descriptor, digest_of(tar), BytesSource(blob))


def make_image(
    *trees: Mapping[str, bytes],
    platform: str = "linux/amd64",
    codec: str = "gzip",
    docker: bool = False,
    **runtime: Any,
) -> Image:
    """Make an image of one layer per tree; ``runtime`` goes into ``config.config``."""
    base = Image.empty(Platform.parse(platform)).with_config(**runtime)
    layers = [make_layer(tree, codec) for tree in trees]
    history = [{"created": "1970-01-01T00:00:00Z", "created_by": f"tree {i}"}
               for i, _ in enumerate(trees)]  # fmt: skip
    image = base.with_layers(layers, history)
    return Image.build(image.config, image.layers, docker=True) if docker else image


def small_image(mark: str = "one", **more: Any) -> Image:
    """Make an image of two small layers, the first of which all marks share."""
    return make_image(
        {"etc/passwd": b"root:x:0:0::/root:/bin/sh\n"}, {f"srv/{mark}.txt": mark.encode()}, **more
    )


def small_index(mark: str = "one") -> Index:
    """Make an index over two platforms."""
    return Index.build(
        small_image(f"{mark}-{p[6:]}", platform=p) for p in ("linux/arm64", "linux/amd64")
    )
