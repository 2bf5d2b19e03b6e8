"""Layers as an engine saves them, uncompressed → layers as registries keep them."""

from __future__ import annotations

from collections.abc import Sequence

from kfslim.cache import Cache
from kfslim.canonical import canonical_json, value_digest
from kfslim.oci import Image, Layer
from kfslim.oci.codec import open_tar
from kfslim.oci.compress import MEDIA_TYPES, Codec, LayerFacts, LayerWriter, as_layer, current_codec
from kfslim.oci.digest import digest_of
from kfslim.oci.image import OCI_CONFIG, OCI_LAYER_ZSTD, OCI_MANIFEST, Descriptor
from kfslim.progress import SILENT, Progress

_ROOM = "recompressed"


def compressed(cache: Cache, layer: Layer, codec: Codec, progress: Progress = SILENT) -> Layer:
    """Return ``layer`` compressed with ``codec``: from the cache, or made now.

    Raises:
        DiskError: the cache cannot be written.
        BadImage: the layer is malformed.
    """
    if layer.descriptor.media_type == MEDIA_TYPES[codec.name]:
        return layer
    value = {"diff_id": layer.diff_id, "codec": codec.model_dump(mode="json")}
    key = value_digest(value).removeprefix("sha256:")
    facts = _known(cache, key) or _compress(cache, layer, codec, progress)
    cache.put(_ROOM, key, list(facts))
    return as_layer(facts, codec, cache.blob(facts.digest))


def _known(cache: Cache, key: str) -> LayerFacts | None:
    told = cache.get(_ROOM, key)
    if not isinstance(told, list) or len(told) != len(LayerFacts._fields):
        return None
    facts = LayerFacts(*told)
    return facts if cache.blob(facts.digest).is_file() else None


def _compress(cache: Cache, layer: Layer, codec: Codec, progress: Progress) -> LayerFacts:
    with (
        progress.task("compress a layer", layer.descriptor.size) as task,
        cache.new_blob() as path,
    ):
        writer = LayerWriter(codec, path)
        try:
            with open_tar(layer, advance=task.advance) as tar:
                for chunk in iter(tar.read, b""):
                    writer.write(chunk)
                tar.finish()
            facts = writer.close()
        finally:
            writer.abort()
        cache.keep(path, facts.digest)
    return facts


def for_engine(cache: Cache, image: Image, progress: Progress = SILENT) -> Image:
    """Return ``image`` as every engine can load it: without zstd, which Docker 23 brought."""
    codec = current_codec("gzip")
    layers = [
        compressed(cache, layer, codec, progress)
        if layer.descriptor.media_type == OCI_LAYER_ZSTD
        else layer
        for layer in image.layers
    ]
    return image if layers == list(image.layers) else _with_layers(image, layers)


def recompressed(
    cache: Cache, image: Image, base: Image, codec: Codec, progress: Progress = SILENT
) -> Image:
    """Return ``image`` with the layers of ``base`` as that has them, and the others compressed.

    Its config stays, to the byte: an engine that pulls the image knows it by the same id.
    """
    known = {layer.diff_id: layer for layer in base.as_oci().layers}
    layers = (
        known.get(layer.diff_id) or compressed(cache, layer, codec, progress)
        for layer in image.layers
    )
    return _with_layers(image, tuple(layers))


def _with_layers(image: Image, layers: Sequence[Layer]) -> Image:
    """Return an OCI image of the same config, and of the same layers compressed otherwise."""
    config = Descriptor(OCI_CONFIG, digest_of(image.config_bytes), len(image.config_bytes))
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": config.to_json(),
        "layers": [layer.descriptor.to_json() for layer in layers],
    }
    return Image(canonical_json(manifest), OCI_MANIFEST, image.config_bytes, tuple(layers))
