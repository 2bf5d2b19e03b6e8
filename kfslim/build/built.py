"""Finished layers, and what the cache remembers of them.

A layer's facts (digests, sizes, what is in it) are kept under its recipe's key apart from its blob:
where a registry has the blob already, the facts alone are enough to build an image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import ValidationError

from kfslim.build.content import DistributionSize
from kfslim.cache import Cache
from kfslim.errors import DiskError
from kfslim.model import Model
from kfslim.oci.compress import MEDIA_TYPES, Codec, LayerFacts, LayerWriter, check_codec
from kfslim.oci.image import Descriptor, FileSource, Layer
from kfslim.oci.tarwrite import TarWriter

KEY_ANNOTATION = "io.kfslim.layer"  # on a layer's descriptor: the key that its bytes follow from
_ROOM = "layers"


class LayerRecord(Model):
    """What the cache knows of a finished layer; ``content_bytes`` are compressed."""

    diff_id: str
    digest: str
    content_bytes: int
    distributions: tuple[DistributionSize, ...] = ()


@dataclass(frozen=True)
class BuiltLayer:
    """A finished layer.

    ``at_hand`` is false where the facts are known but the blob lies in no cache of ours: the layer
    can be named in an image, and must be at the destination already.
    """

    key: str
    layer: Layer
    created_by: str
    distributions: tuple[DistributionSize, ...] = ()
    at_hand: bool = True

    @property
    def annotations(self) -> Mapping[str, str]:
        """The annotations of the layer's descriptor."""
        return self.layer.descriptor.annotations


def known_layer(cache: Cache, key: str, created_by: str, codec: Codec) -> BuiltLayer | None:
    """Return what the cache knows of the layer under ``key``; None if nothing."""
    try:
        record = LayerRecord.model_validate(cache.get(_ROOM, key))
    except ValidationError:  # nothing there, or damaged: to be made again
        return None
    path = cache.blob(record.digest)
    descriptor = Descriptor(
        MEDIA_TYPES[codec.name], record.digest, record.content_bytes, {KEY_ANNOTATION: key}
    )
    return BuiltLayer(
        key,
        Layer(descriptor, record.diff_id, FileSource(str(path))),
        created_by,
        record.distributions,
        at_hand=path.is_file() and path.stat().st_size == record.content_bytes,
    )


class NewLayer:
    """A layer being written: fill ``tar``, list what is in it in ``distributions``."""

    def __init__(self, tar: TarWriter) -> None:
        self.tar = tar
        self.distributions: Sequence[DistributionSize] = ()


@contextmanager
def new_layer(cache: Cache, key: str, codec: Codec) -> Iterator[NewLayer]:
    """Write a layer into the cache: blob first, then its facts; nothing on an error.

    Raises:
        DiskError: the cache cannot be written.
    """
    with cache.new_blob() as path:
        writer = LayerWriter(codec, path)
        try:
            new = NewLayer(TarWriter(writer))
            yield new
            new.tar.finish()
            facts = writer.close()
        finally:
            writer.abort()
        cache.keep(path, facts.digest)
    cache.put(_ROOM, key, _record(facts, new.distributions).model_dump(mode="json"))


def layer_once(
    cache: Cache, key: str, created_by: str, codec: Codec, fill: Callable[[NewLayer], None]
) -> BuiltLayer:
    """Return the layer under ``key``; where its blob is not at hand, ``fill`` writes it.

    Raises:
        BadPlan: the codec's library is not the one installed here.
        DiskError: the cache cannot be written.
    """
    known = known_layer(cache, key, created_by, codec)
    if known and known.at_hand:
        return known
    check_codec(codec)
    with new_layer(cache, key, codec) as new:
        fill(new)
    made = known_layer(cache, key, created_by, codec)
    if made is None:
        raise DiskError("the cache lost a layer that was just written to it")
    return made


def _record(facts: LayerFacts, distributions: Sequence[DistributionSize]) -> LayerRecord:
    return LayerRecord(
        diff_id=facts.diff_id,
        digest=facts.digest,
        content_bytes=facts.content_bytes,
        distributions=tuple(distributions),
    )
