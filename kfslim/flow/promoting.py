"""Candidates → published images: the final tag, the same digest."""

from __future__ import annotations

from dataclasses import dataclass

from kfslim.errors import BadReference, NotFound
from kfslim.flow.before import measure_image
from kfslim.flow.building import CANDIDATE, nodes_name
from kfslim.flow.context import Context
from kfslim.flow.publishing import read_whole
from kfslim.measure.model import Measurement
from kfslim.oci import Index, Reference, Written


@dataclass(frozen=True)
class Promoted:
    """A published candidate.

    ``reference`` is by digest, under the name that nodes pull; ``image`` is what the image of its
    first platform measures.
    """

    reference: str
    tag: str
    image: Measurement
    written: Written
    unchanged: bool


def promote(context: Context, candidate: Reference, pull_from: str | None = None) -> Promoted:
    """Give ``candidate`` (repository, tag and digest) its final tag; no layer moves.

    An image that has it already costs one look-up, and no write.

    Raises:
        BadReference: ``candidate`` lacks its tag or digest.
        NotFound: the candidate is not there.
    """
    if not (candidate.tag and candidate.digest):
        raise BadReference(
            f"{candidate} is no candidate: tag and digest are needed",
            hint="Hand on the output of the assemble component as it is.",
        )
    store, tag = context.store(candidate), candidate.tag.removeprefix(CANDIDATE)
    there = store.resolve(tag)
    unchanged = there is not None and there.digest == candidate.digest
    if not unchanged and store.resolve(candidate.digest) is None:
        raise NotFound(
            f"the candidate {candidate.short} is not there; nothing was published",
            hint="Assemble the step again: the registry may have removed untagged images.",
        )
    whole = read_whole(store, candidate.digest)
    written = Written(whole.digest) if unchanged else store.write(whole, tag, context.progress)
    image = whole.images[0] if isinstance(whole, Index) else whole
    name = pull_from or nodes_name(candidate)
    measured = measure_image(context, image, "")
    return Promoted(f"{name}@{candidate.digest}", tag, measured, written, unchanged)
