"""Finds one image in what a store holds: the rules that all readers share."""

from __future__ import annotations

from dataclasses import replace

from kfslim.errors import BadImage
from kfslim.oci.image import INDEX_TYPES, MANIFEST_TYPES, Descriptor, Image, Index, Platform
from kfslim.oci.store import Reader

MAX_DEPTH = 4  # of indexes in indexes; image-spec sets no bound, no tool writes more than two


def read_image(reader: Reader, target: str | None, platform: Platform | None) -> Image:
    """Read the image under ``target``; of an index the one for ``platform``.

    A single image is returned whatever its platform is, unless ``platform`` asks for another.

    Raises:
        NotFound: nothing under this name.
        BadImage: it is malformed, or nothing for the platform.
    """
    found = reader.read_index(target)
    if isinstance(found, Index):
        return _choose(reader, found, platform or Platform(), MAX_DEPTH)
    if platform and not found.platform.matches(platform):
        raise BadImage(f"there is no image for {platform}; there is {found.platform}")
    return found


def _choose(reader: Reader, index: Index, platform: Platform, depth: int) -> Image:
    """Take the first match; entries that do not tell their platform are opened and looked at."""
    silent = [d for d in index.manifests if d.platform is None]
    if not silent:
        return _image(reader, index.choose(platform))
    for descriptor in index.manifests:
        if descriptor.platform is None:
            if found := _look_into(reader, descriptor, platform, depth):
                return found
        elif descriptor.platform.matches(platform):
            return _image(reader, descriptor)
    raise BadImage(f"there is no image for {platform} in {index.digest}")


def _look_into(
    reader: Reader, descriptor: Descriptor, platform: Platform, depth: int
) -> Image | None:
    if descriptor.media_type not in (*INDEX_TYPES, *MANIFEST_TYPES):
        return None
    found = reader.read_index(descriptor.digest)
    if isinstance(found, Image):
        return found if found.platform.matches(platform) else None
    if depth == 0:
        raise BadImage(f"indexes in indexes, more than {MAX_DEPTH} deep")
    try:
        return _choose(reader, found, platform, depth - 1)
    except BadImage:
        return None


def _image(reader: Reader, descriptor: Descriptor) -> Image:
    found = reader.read_index(descriptor.digest)
    if isinstance(found, Index):
        raise BadImage(f"{descriptor.digest} is an index where an image was promised")
    return found


def with_images(reader: Reader, index: Index) -> Index:
    """Return ``index`` carrying all its images, as it must to be written elsewhere.

    Raises:
        BadImage: an entry is no image (an attestation, another index).
    """
    return replace(index, images=tuple(_image(reader, d) for d in index.manifests))
