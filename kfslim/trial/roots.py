"""The root file systems of images as folders in the cache, each written once.

The layers that kfslim made are folders of their own, shared by all steps that have them; what lies
beneath (the base) is merged into one.  A trial puts them below an overlay and never writes to them.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from kfslim.cache import Cache
from kfslim.canonical import canonical_json
from kfslim.files import disk_errors
from kfslim.oci.image import Image, Layer
from kfslim.oci.scan import WORKERS
from kfslim.progress import SILENT, Progress
from kfslim.trial.unpack import unpack_image, unpack_layer

_FORMAT = 1  # of the folders; a new number when the same layers give others
_OWN = "io.kfslim.layer"  # kfslim.build writes it on the layers that it makes
# An overlay's options are one page: 100 names of 24 characters fit well (mount(2)).
_MOST_FOLDERS = 100


class _Part(NamedTuple):
    """A folder: its name in the cache, and how it is written."""

    name: str
    content_bytes: int
    write: Callable[[Path], None]


def folders_of(
    cache: Cache, image: Image, owner: int, progress: Progress = SILENT
) -> tuple[str, ...]:
    """Return the names, in ``cache.root_of``, of the folders that make up ``image``, lowest first.

    What is not there yet is extracted; it belongs to the user ``owner``.

    Raises:
        BadImage, DigestMismatch, StoreError: the image cannot be read.
        DiskError: the cache cannot be written.
    """
    parts = _parts(image, owner)
    missing = [part for part in parts if not cache.root_of(part.name).is_dir()]
    if missing:
        total = sum(part.content_bytes for part in missing)
        with progress.task("extracting for the trial", total) as task:

            def make(part: _Part) -> None:
                _make(cache, part)
                task.advance(part.content_bytes)

            with ThreadPoolExecutor(WORKERS) as pool:
                list(pool.map(make, missing))
    return tuple(part.name for part in parts)


def _parts(image: Image, owner: int) -> list[_Part]:
    foreign = [n for n, x in enumerate(image.layers) if _OWN not in x.descriptor.annotations]
    merged = foreign[-1] + 1 if foreign else 0
    if len(image.layers) - merged >= _MOST_FOLDERS:
        merged = len(image.layers)
    parts = [_merged(image, merged, owner)] if merged else []
    parts.extend(_single(layer, owner) for layer in image.layers[merged:])
    topmost = {part.name: n for n, part in enumerate(parts)}  # a layer may be there twice
    return [part for n, part in enumerate(parts) if topmost[part.name] == n]


def _merged(image: Image, count: int, owner: int) -> _Part:
    config, layers = image.config, image.layers[:count]
    config["history"] = []
    beneath = Image.build(config, layers)
    name = _name(owner, *(layer.diff_id for layer in layers))
    return _Part(name, beneath.content_bytes, lambda path: unpack_image(beneath, path, owner))


def _single(layer: Layer, owner: int) -> _Part:
    size = layer.descriptor.size
    return _Part(_name(owner, layer.diff_id), size, lambda path: unpack_layer(layer, path, owner))


def _name(owner: int, *diff_ids: str) -> str:
    key = canonical_json([_FORMAT, owner, list(diff_ids)])
    return "trial-" + sha256(key).hexdigest()[:16]


def _make(cache: Cache, part: _Part) -> None:
    """Write a folder aside and give it its name, unless another process was faster."""
    final = cache.root_of(part.name)
    with cache.scratch() as scratch:
        part.write(scratch / "root")
        with disk_errors("keeping an extracted layer"):
            final.parent.mkdir(parents=True, exist_ok=True)
            try:
                (scratch / "root").rename(final)
            except OSError:
                if not final.is_dir():
                    raise
