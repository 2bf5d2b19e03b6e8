"""Finished layers, and what the cache remembers of them.

A layer's facts (digests, sizes, what is in it) are kept under its recipe's key apart from its blob:
where a registry has the blob already, the facts alone are enough to build and measure an image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from pydantic import ValidationError

from kfslim.cache import Cache
from kfslim.errors import DiskError
from kfslim.measure.combine import AddedLayer, Addition
from kfslim.measure.model import DistributionMeasure, LayerMeasure, OsPackageMeasure
from kfslim.measure.waste import waste_of
from kfslim.model import Model
from kfslim.oci.compress import MEDIA_TYPES, Codec, LayerFacts, LayerWriter, check_codec
from kfslim.oci.image import Descriptor, FileSource, Layer
from kfslim.oci.tarwrite import TarWriter

KEY_ANNOTATION = "io.kfslim.layer"  # on a layer's descriptor: the key that its bytes follow from
_ROOM = "layers"


class Removed(Model):
    """What one prune rule took from one distribution."""

    distribution: str
    rule: str
    disk_bytes: int
    files: int


class LayerRecord(Model):
    """What the cache knows of a finished layer."""

    diff_id: str
    added: AddedLayer
    removed: tuple[Removed, ...] = ()


@dataclass(frozen=True)
class BuiltLayer:
    """A finished layer.

    ``added`` is its measure, for :func:`kfslim.measure.combine.combine`.  ``at_hand`` is false
    where the facts are known but the blob lies in no cache of ours: the layer can be named in an
    image, and must be at the destination already.
    """

    key: str
    layer: Layer
    created_by: str
    added: AddedLayer
    removed: tuple[Removed, ...] = ()
    at_hand: bool = True

    @property
    def annotations(self) -> Mapping[str, str]:
        """The annotations of the layer's descriptor."""
        return self.layer.descriptor.annotations

    @property
    def distributions(self) -> tuple[DistributionMeasure, ...]:
        """The distributions whose files lie in it."""
        return self.added.distributions


def known_layer(cache: Cache, key: str, created_by: str, codec: Codec) -> BuiltLayer | None:
    """Return what the cache knows of the layer under ``key``; None if nothing."""
    try:
        record = LayerRecord.model_validate(cache.get(_ROOM, key))
    except ValidationError:  # nothing there, or damaged: to be made again
        return None
    measure = record.added.measure
    path = cache.blob(measure.digest)
    descriptor = Descriptor(
        MEDIA_TYPES[codec.name], measure.digest, measure.content_bytes, {KEY_ANNOTATION: key}
    )
    told = measure.model_copy(update={"command": created_by})
    return BuiltLayer(
        key,
        Layer(descriptor, record.diff_id, FileSource(str(path))),
        created_by,
        record.added.model_copy(update={"measure": told}),
        record.removed,
        at_hand=path.is_file() and path.stat().st_size == measure.content_bytes,
    )


@dataclass
class NewLayer:
    """A layer being written: fill ``tar``, and say what is in it."""

    tar: TarWriter
    distributions: list[DistributionMeasure] = field(default_factory=list)
    os_packages: list[OsPackageMeasure] = field(default_factory=list)
    additions: list[Addition] = field(default_factory=list)
    removed: list[Removed] = field(default_factory=list)
    modules: set[str] = field(default_factory=set)  # on sys.path, and none of a distribution

    def record(self, facts: LayerFacts) -> LayerRecord:
        """Return what to remember of the finished layer."""
        measure = LayerMeasure(
            digest=facts.digest,
            content_bytes=facts.content_bytes,
            disk_bytes=sum(size for _, size in self.tar.files),
            files=len(self.tar.files),
        )
        added = AddedLayer(
            measure=measure,
            distributions=tuple(self.distributions),
            os_packages=tuple(self.os_packages),
            additions=tuple(self.additions),
            waste=waste_of(self.tar.files),
            modules=tuple(sorted(self.modules)),
        )
        return LayerRecord(diff_id=facts.diff_id, added=added, removed=tuple(self.removed))


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
    cache.put(_ROOM, key, new.record(facts).model_dump(mode="json", exclude_defaults=True))


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
