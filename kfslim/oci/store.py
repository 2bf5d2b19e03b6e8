"""Places where images live, as small protocols.

A store is one *repository*: a repository of a registry, a layout folder, an engine's name, an
archive file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from kfslim.oci.digest import VerifyingReader
from kfslim.oci.image import Descriptor, Image, Index, Layer, Platform
from kfslim.oci.reference import Reference
from kfslim.progress import SILENT, Progress


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did.  All counts are content bytes of blobs (manifests included in pushed)."""

    digest: str
    pushed_bytes: int = 0
    mounted_bytes: int = 0
    present_bytes: int = 0


class Reader(Protocol):
    """A store that images can be read from.  Also a :class:`~kfslim.oci.image.BlobSource`."""

    reference: Reference

    def resolve(self, target: str | None = None) -> Descriptor | None:
        """Return the descriptor under a tag or digest (default: the reference's), None if absent.

        One cheap request; no blob is read.
        """

    def read_index(self, target: str | None = None) -> Image | Index:
        """Read what is there: an index stays an index."""

    def read(self, target: str | None = None, platform: Platform | None = None) -> Image:
        """Read one image; of an index the one for ``platform`` (default: ``linux/amd64``).

        Raises:
            NotFound: nothing under this name.
            BadImage: it is malformed, or nothing for the platform.
        """

    def open_blob(self, descriptor: Descriptor) -> VerifyingReader:
        """Open one blob."""

    def close(self) -> None:
        """Give connections back."""


class Store(Reader, Protocol):
    """A store that images can also be written to."""

    def check_push(self) -> None:
        """Find out, before long work, whether anything may be written here; leave nothing behind.

        Raises:
            AuthError: our credentials do not allow it.
            OutsideError: it is not possible for another reason.
        """

    def write(
        self, image: Image | Index, tag: str | None = None, progress: Progress = SILENT
    ) -> Written:
        """Write blobs first, manifests next, the tag last; blobs that are there are not sent.

        ``tag`` None writes by digest only.  An :class:`Index` must carry its images.
        A reader that comes at any moment sees the old image or the new one, whole.
        """

    def send_blob(self, layer: Layer, progress: Progress = SILENT) -> Written:
        """Write one layer's blob ahead of its image, so that sending overlaps with building.

        Nothing becomes visible; ``Written.digest`` is the blob's.  Safe from several threads.
        """

    def tags(self) -> list[str]:
        """Return all tags, sorted."""

    def delete(self, tag: str) -> None:
        """Remove a tag (and, on a registry, the manifest under it)."""
