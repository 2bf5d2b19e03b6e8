"""What images hold: measured once per digest, remembered in the cache."""

from __future__ import annotations

from collections.abc import Iterable

from kfslim.errors import KfslimError
from kfslim.flow.context import Context
from kfslim.measure.model import Measurement
from kfslim.oci import Image, Platform, parse_reference

_ROOM = "measurements-2"  # a new number when the same image measures differently


def measure_image(
    context: Context, image: Image, reference: str, *, full: bool = False
) -> Measurement:
    """Measure ``image``, unless its digest was measured before; ``full`` reads it anyway."""
    key = image.digest.removeprefix("sha256:")
    known = None if full else context.cache.get(_ROOM, key)
    if known is not None:
        return Measurement.model_validate({**known, "reference": reference, "bytes_read": 0})
    from kfslim.measure.image import measure  # most runs know all images already

    result = measure(image, reference, context.progress, full=full)
    context.cache.put(_ROOM, key, result.model_dump(mode="json"))
    return result


def measure_reference(
    context: Context, reference: str, platform: Platform, *, full: bool = False
) -> Measurement:
    """Read and measure the image under ``reference``.

    Raises:
        KfslimError: the reference is wrong, or the image cannot be read.
    """
    parsed = parse_reference(reference)
    image = context.reader(parsed).read(parsed.digest or parsed.tag, platform)
    return measure_image(context, image, reference, full=full)


def measure_images(
    context: Context, references: Iterable[str], platform: Platform
) -> dict[str, Measurement | str]:
    """Measure each image; one that cannot be read gives the sentence that says why."""
    found: dict[str, Measurement | str] = {}
    for reference in sorted(set(references)):
        try:
            found[reference] = measure_reference(context, reference, platform)
        except KfslimError as error:
            found[reference] = error.message
    return found
