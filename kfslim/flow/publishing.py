"""Moving finished images, and removing the ones that nobody names any more."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress

from kfslim.errors import InputError, NotFound
from kfslim.flow.bases import BASE_TAG, base_tag
from kfslim.flow.builders import MARKS
from kfslim.flow.context import Context
from kfslim.model import Document, Model
from kfslim.oci import Image, Index, Reference, Store, Written
from kfslim.oci.select import with_images
from kfslim.plan.model import LABEL_STEP, Plan

# What kfslim's own tags look like: a step or base, and twelve hex digits.
_OWN_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*-([0-9a-f]{12})\Z")


class Published(Model):
    """One image that lies at its destination.  ``reference`` is by digest."""

    tag: str
    reference: str
    pushed_bytes: int
    mounted_bytes: int
    present_bytes: int


class Publication(Document):
    """What ``publish`` did."""

    source: str
    target: str
    images: tuple[Published, ...] = ()


def publish(context: Context, source: Reference, target: Reference) -> Publication:
    """Copy every image of ``source`` (or the one tag that it names) to ``target``, bytes unchanged.

    Raises:
        InputError: ``source`` holds no image.
        KfslimError: what reading or writing raises.
    """
    origin, store = context.store(source), context.store(target)
    tags = [source.tag] if source.tag else origin.tags()
    if not tags:
        raise InputError(f"{source} holds no tagged image")
    images = [(tag, read_whole(origin, tag)) for tag in tags]
    done = [
        _published(tag, target, store.write(image, tag, context.progress)) for tag, image in images
    ]
    return Publication(source=str(source), target=str(target), images=tuple(done))


def read_whole(store: Store, target: str) -> Image | Index:
    """Read what is under a tag or digest, an index with all its images."""
    found = store.read_index(target)
    return with_images(store, found) if isinstance(found, Index) else found


def _published(tag: str, target: Reference, written: Written) -> Published:
    return Published(
        tag=tag,
        reference=target.at(digest=written.digest).short,
        pushed_bytes=written.pushed_bytes,
        mounted_bytes=written.mounted_bytes,
        present_bytes=written.present_bytes,
    )


class Pruning(Document):
    """What ``prune`` removed, and what it kept though no plan names it, with the reason."""

    repository: str
    removed: tuple[str, ...] = ()
    kept: dict[str, str] = {}


def prune(context: Context, repository: Reference, plans: Sequence[Plan], dry: bool) -> Pruning:
    """Remove kfslim's tags that no plan in ``plans`` names; ``dry`` only says which.

    A registry deletes manifests, not tags: a tag that shares its manifest with a kept tag stays.

    Raises:
        InputError: ``plans`` is empty; then everything would go.
    """
    if not plans:
        raise InputError("name at least one plan to keep", hint="--keep kfslim.lock.json")
    wanted = {tag for plan in plans for tag in _plan_tags(plan)}
    store = context.store(repository)
    digests = {tag: _digest(store, tag) for tag in store.tags()}
    ours = {tag for tag in digests.keys() - wanted if _is_ours(store, tag, digests[tag])}
    staying = {digests[tag]: tag for tag in sorted(digests.keys() - ours)}
    removed = sorted(tag for tag in ours if digests[tag] not in staying)
    for tag in () if dry else removed:
        with suppress(NotFound):  # it went with another tag of the same image
            store.delete(tag)
    kept = {
        tag: f"it is the same image as {staying[digests[tag]]}"
        if tag in ours
        else "kfslim did not make it"
        for tag in digests
        if tag not in wanted and tag not in removed
    }
    return Pruning(repository=str(repository), removed=tuple(removed), kept=kept)


def _is_ours(store: Store, tag: str, digest: str) -> bool:
    """Tell whether kfslim gave an image this tag: a name alone may be anybody's.

    A base is tagged by its own digest, a step by the one that its label names.
    """
    match = _OWN_TAG.match(tag)
    if match is None:
        return False
    if tag.startswith(BASE_TAG) and digest.startswith(f"sha256:{match[1]}"):
        return True
    found = store.read_index(digest)
    image = found if isinstance(found, Image) else store.read(found.manifests[0].digest)
    return image.labels.get(LABEL_STEP, "").startswith(f"sha256:{match[1]}")


def _plan_tags(plan: Plan) -> Iterable[str]:
    for step in plan.steps:
        yield from (step.tag_by(mark) for mark in MARKS)
        yield from (base_tag(image.base) for image in step.images)


def _digest(store: Store, tag: str) -> str:
    descriptor = store.resolve(tag)
    return descriptor.digest if descriptor else ""
