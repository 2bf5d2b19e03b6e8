"""A store that keeps nothing: images are made and tried before anything leaves this machine."""

from __future__ import annotations

from kfslim.oci import Descriptor, Image, Index, Layer, Platform, Reference, Store, Written
from kfslim.oci.digest import VerifyingReader
from kfslim.progress import SILENT, Progress


class Aside:
    """Reads from ``inner``; what is written stays where it was made, in the cache."""

    reference: Reference

    def __init__(self, inner: Store) -> None:
        self.inner = inner
        self.reference = inner.reference

    def resolve(self, target: str | None = None) -> Descriptor | None:
        """Return what the inner store has under a tag or digest."""
        return self.inner.resolve(target)

    def read_index(self, target: str | None = None) -> Image | Index:
        """Read from the inner store."""
        return self.inner.read_index(target)

    def read(self, target: str | None = None, platform: Platform | None = None) -> Image:
        """Read from the inner store."""
        return self.inner.read(target, platform)

    def open_blob(self, descriptor: Descriptor) -> VerifyingReader:
        """Open a blob of the inner store."""
        return self.inner.open_blob(descriptor)

    def close(self) -> None:
        """Leave the inner store to its owner."""

    def check_push(self) -> None:
        """Nothing is pushed."""

    def write(
        self, image: Image | Index, tag: str | None = None, progress: Progress = SILENT
    ) -> Written:
        """Keep nothing."""
        return Written(image.digest)

    def send_blob(self, layer: Layer, progress: Progress = SILENT) -> Written:
        """Keep nothing.

        Raises:
            DiskError: the blob is not at hand, so it must be made again.
        """
        layer.open().close()
        return Written(layer.descriptor.digest)

    def tags(self) -> list[str]:
        """Return the tags of the inner store."""
        return self.inner.tags()

    def delete(self, tag: str) -> None:
        """Nothing was written, so nothing is removed."""
