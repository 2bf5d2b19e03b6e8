"""kfslim → an image of itself, by its own means: what its components run on in a cluster."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kfslim.build.built import BuiltLayer
from kfslim.build.debian.carried import sources_layer
from kfslim.build.debian.sources import find_sources
from kfslim.build.prune import DEFAULT_PRUNE
from kfslim.build.self_wheel import NAME, write_own_wheel
from kfslim.errors import BadReference
from kfslim.flow.assembling import assemble_steps
from kfslim.flow.bases import Base, debian_settings, find_base
from kfslim.flow.before import measure_image
from kfslim.flow.context import Context
from kfslim.flow.traffic import Traffic
from kfslim.lock.resolve import resolve
from kfslim.lock.target import DEFAULT_GLIBC
from kfslim.measure.combine import combine
from kfslim.measure.label import LABEL, to_label
from kfslim.model import Document
from kfslim.oci import Image, Platform, Reference, parse_reference
from kfslim.oci.compress import Codec, current_codec
from kfslim.oci.image import EPOCH
from kfslim.plan.make import Choices, plan_image
from kfslim.plan.model import Bytecode, ImagePlan, StepPlan

USER = "65532:65532"  # "nonroot", as in distroless images
BASE = "deb:bookworm"
_INDEX = "kfslim-itself"
# Writable for any user; a pod's settings put the cache on a volume of its own.
ENVIRONMENT = {"HOME": "/tmp", "KFSLIM_CACHE_DIR": "/tmp/kfslim", "PYTHONUNBUFFERED": "1"}  # noqa: S108


class SelfImage(Document):
    """kfslim's own image at its destination.

    ``reference`` is by digest, empty in an engine, which knows none; ``name`` is with the tag.
    """

    name: str
    reference: str
    content_bytes: int
    disk_bytes: int
    distributions: int
    pushed_bytes: int


def self_image(
    context: Context,
    target: Reference,
    *,
    base: str = BASE,
    platform: Platform | None = None,
    mirrors: bool = True,
) -> SelfImage:
    """Assemble kfslim's own image and write it to ``target``, under its tag or kfslim's version.

    It holds kfslim and its dependencies in the versions that are installed here, runs as uid
    65532, and has no entry point: kfp.local, unlike a cluster, would put it before a component's
    command.  ``mirrors`` lets it assemble ``deb:`` bases from
    where this machine takes Debian packages.

    Raises:
        BadReference: ``target`` cannot be written, or names a digest.
        KfslimError: what locking, assembling or writing raises.
    """
    if target.transport not in ("docker", "oci", "docker-daemon") or target.digest:
        raise BadReference(
            f"{target}: the image goes to docker://host/repo, oci:DIR or docker-daemon:NAME"
        )
    platform, codec = platform or Platform(), current_codec(context.config.codec)
    store, traffic = context.store(target.at()), Traffic()
    with context.cache.scratch() as folder:
        wheel = write_own_wheel(folder)
        config = context.config.model_copy(
            update={"indexes": {**context.config.indexes, _INDEX: wheel.url}}
        )
        with Context(context.cache, config, context.progress, insecure=context.insecure) as own:
            plan = _plan(own, find_base(own, base, platform, codec), wheel.version, codec)
            step = StepPlan(name=NAME, executor=NAME, images=(plan,))
            ((_, assembled),) = assemble_steps(own, [step], store, traffic)
    carried = mirrors and base.startswith("deb:")
    layers = [_sources(context, base, codec)] if carried else []
    image = _finished(context, assembled.images[0], layers)
    tag = target.tag or wheel.version
    traffic.add(store.write(image, tag, context.progress))
    measured = measure_image(context, image, "")
    in_engine = target.transport == "docker-daemon"
    return SelfImage(
        name=target.at(tag=tag).short,
        reference="" if in_engine else target.at(digest=image.digest).short,
        content_bytes=measured.content_bytes,
        disk_bytes=measured.disk_bytes,
        distributions=len(measured.distributions),
        pushed_bytes=traffic.pushed_bytes,
    )


def _plan(context: Context, base: Base, version: str, codec: Codec) -> ImagePlan:
    """Lock kfslim itself, its dependencies in the versions that run here."""
    lock = resolve(
        context.uv,
        [f"{NAME}=={version}"],
        python=base.plan.python.minor,
        platform=Platform.parse(base.plan.platform),
        constraints=tuple(_installed()),
        indexes=[_INDEX],
        glibc=base.glibc or DEFAULT_GLIBC,
        what="locking kfslim itself",
        progress=context.progress,
    )
    bytecode: Bytecode = "all" if base.interpreter else "none"
    choices = Choices(bytecode, DEFAULT_PRUNE, codec)
    return plan_image(base.plan, len(base.image.layers), base.provided, lock, choices)


def _installed() -> Iterator[str]:
    """Yield ``name==version`` of everything that kfslim requires here, requirements' own too."""
    waiting, seen = deque([NAME]), {NAME}
    while waiting:
        try:
            found = distribution(waiting.popleft())
        except PackageNotFoundError:
            continue  # for another Python or platform
        name = canonicalize_name(found.name)
        if name != NAME:
            yield f"{name}=={found.version}"
        for requirement in map(Requirement, found.requires or ()):
            wanted = canonicalize_name(requirement.name)
            if wanted not in seen and _applies(requirement):
                seen.add(wanted)
                waiting.append(wanted)


def _applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


def _sources(context: Context, base: str, codec: Codec) -> BuiltLayer:
    suite = parse_reference(base).name
    found = find_sources(suite, debian_settings(context))
    always = [source for source in found if not source.optional or source.suite == suite]
    return sources_layer(always, context.cache, codec)


def _finished(context: Context, image: Image, layers: list[BuiltLayer]) -> Image:
    """Put the last layers on top, and say who runs what; the label tells what it measures now."""
    measured = combine(measure_image(context, image, ""), [layer.added for layer in layers])
    entries = [
        {"created": EPOCH, "created_by": layer.created_by, "comment": "kfslim"} for layer in layers
    ]
    return image.with_layers([layer.layer for layer in layers], entries).with_config(
        env=ENVIRONMENT,
        labels={LABEL: to_label(measured)},
        User=USER,
        Entrypoint=None,
        Cmd=[NAME, "--help"],
    )
