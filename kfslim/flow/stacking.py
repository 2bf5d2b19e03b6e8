"""Image → a Dockerfile that stacks its finished layers on its base.

They are the layers that kfslim's own builder makes: an engine needs no index, no credentials and no
network for them, and its image holds the same files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from kfslim.cache import Cache
from kfslim.dockerfile.model import BuildFiles
from kfslim.measure.label import LABEL
from kfslim.oci import Image, Layer
from kfslim.oci.codec import open_tar
from kfslim.oci.image import OCI_LAYER_GZIP

_DOCKERFILE = "Dockerfile"


def stacked_files(cache: Cache, image: Image, base: Image, name: str) -> BuildFiles:
    """Return what builds the files and settings of ``image``; ``name`` is what ``base`` is called.

    Raises:
        NotFound, DigestMismatch: a layer cannot be read.
    """
    above = image.layers[len(base.layers) :]
    layers = {f"layer-{number}.tar": _content(cache, one) for number, one in enumerate(above, 1)}
    text = "".join(f"{line}\n" for line in _lines(image, name, [*layers]))
    return BuildFiles({**layers, _DOCKERFILE: text.encode()}, _DOCKERFILE)


def _content(cache: Cache, layer: Layer) -> bytes | Path:
    """Return a tar archive as every engine's ADD unpacks it: gzip or plain."""
    path = cache.blob(layer.descriptor.digest)
    if path.is_file() and layer.descriptor.media_type == OCI_LAYER_GZIP:
        return path
    with open_tar(layer) as tar:
        content = b"".join(iter(tar.read, b""))
        tar.finish()
    return content


def _lines(image: Image, name: str, layers: Sequence[str]) -> Iterator[str]:
    yield f"FROM {name}"
    yield from (f"ADD {path} /" for path in layers)
    yield from _pairs("ENV", image.env)
    # The measurement is of other layers than the engine's.
    yield from _pairs("LABEL", {k: v for k, v in image.labels.items() if k != LABEL})


def _pairs(instruction: str, values: Mapping[str, str]) -> Iterator[str]:
    for key, value in sorted(values.items()):
        quoted = json.dumps(value, ensure_ascii=False).replace("$", "\\$")  # $ names a variable
        yield f"{instruction} {key}={quoted}"
