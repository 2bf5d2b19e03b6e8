"""A measurement that an image carries with it, so that measuring it reads no layer.

The label ``io.kfslim.measurement`` holds ``{"v": 1, "layers": [[digest, content, disk, files,
command], …], …}`` as compact JSON, or ``b:`` and the base64 of its bzip2 stream where that is
shorter.  The label is part of the image's digest, so the same measurement must give the same text
on every machine: bzip2 has one implementation whose output has not changed since 2000, while
``zlib`` may be zlib-ng underneath.

What manifest and config say anyway (sizes, labels, platform) is not repeated, and the layers'
digests are compared with the manifest's: an image that was built upon, or a label that was copied,
is measured by reading.
"""

from __future__ import annotations

import base64
import bz2
from typing import Any

from pydantic import ValidationError

from kfslim.canonical import canonical_json
from kfslim.errors import BadImage
from kfslim.measure.model import Measurement
from kfslim.oci.image import Image, load_object

LABEL = "io.kfslim.measurement"
VERSION = 1
MAX_LABEL_JSON = 16 << 20  # bytes; what a label may expand to
_BZIP2 = "b:"
_LAYER_FIELDS = ("digest", "content_bytes", "disk_bytes", "files", "command")
_FROM_IMAGE = frozenset(
    {"reference", "digest", "platform", "content_bytes", "config_bytes", "labels", "bytes_read"}
)


def to_label(measurement: Measurement) -> str:
    """Return the label's text for an image that measures so.

    Build the image with this label over the very layers that ``measurement`` lists.
    """
    value = measurement.model_dump(mode="json", exclude_defaults=True, exclude={*_FROM_IMAGE})
    value.pop("schema_version", None)
    value["v"] = VERSION
    value["layers"] = [[getattr(la, f) for f in _LAYER_FIELDS] for la in measurement.layers]
    plain = canonical_json(value)
    packed = _BZIP2 + base64.b64encode(bz2.compress(plain, 9)).decode()
    return packed if len(packed) < len(plain) else plain.decode()


def from_label(image: Image, reference: str = "") -> Measurement | None:
    """Return the measurement that ``image`` carries; None where there is none to be trusted."""
    text = image.labels.get(LABEL)
    value = _parse(text) if isinstance(text, str) else None
    if value is None or value.pop("v", None) != VERSION:
        return None
    try:
        layers = [dict(zip(_LAYER_FIELDS, la, strict=True)) for la in value.pop("layers")]
        measurement = Measurement.model_validate(
            {
                **value,
                "layers": layers,
                "reference": reference,
                "digest": image.digest,
                "platform": str(image.platform),
                "content_bytes": image.content_bytes,
                "config_bytes": len(image.config_bytes),
                "labels": {k: v for k, v in image.labels.items() if k != LABEL},
                "bytes_read": len(image.manifest_bytes) + len(image.config_bytes),
            }
        )
    except (ValidationError, KeyError, TypeError, ValueError):
        return None
    return measurement if _agrees(measurement, image) else None


def _agrees(measurement: Measurement, image: Image) -> bool:
    """True when the label speaks of exactly the image's layers, and its own sums agree."""
    told = [(layer.digest, layer.content_bytes) for layer in measurement.layers]
    owned = sum(d.disk_bytes for d in measurement.distributions) + measurement.unowned_bytes
    owned += sum(p.disk_bytes for p in measurement.os_packages)
    return (
        told == [(layer.descriptor.digest, layer.descriptor.size) for layer in image.layers]
        and measurement.disk_bytes == sum(layer.disk_bytes for layer in measurement.layers)
        and measurement.disk_bytes == owned
    )


def _parse(text: str) -> dict[str, Any] | None:
    try:
        if not text.startswith(_BZIP2):
            return load_object(text.encode(), "label")
        codec = bz2.BZ2Decompressor()
        packed = base64.b64decode(text.removeprefix(_BZIP2), validate=True)
        data = codec.decompress(packed, MAX_LABEL_JSON)
        return load_object(data, "label") if codec.eof else None
    except (BadImage, OSError, ValueError):
        return None
