"""A tree of files as a layer in the cache, written once for all that decides its bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kfslim.build.built import known_layer, new_layer
from kfslim.build.debian.rootfs import Rootfs
from kfslim.cache import Cache
from kfslim.canonical import value_digest
from kfslim.oci.compress import Codec
from kfslim.oci.image import Layer


def made_once(cache: Cache, codec: Codec, identity: Any, make: Callable[[], Rootfs]) -> Layer:
    """Return the layer of ``make()``'s files; from the cache where ``identity`` was made before.

    ``identity`` is JSON that decides, with the codec, every byte of the layer.
    """
    key = value_digest(["debian", identity, codec.model_dump(mode="json")])
    key = key.removeprefix("sha256:")
    known = known_layer(cache, key, "", codec)
    if known is None or not known.at_hand:
        rootfs = make()
        with new_layer(cache, key, codec) as new:
            rootfs.write(new.tar)
        known = known_layer(cache, key, "", codec)
    assert known is not None  # it was written just now
    return known.layer
