"""Images as immutable values that keep the bytes they were given.

An :class:`Image` is a manifest, a config and layers; nothing here touches a network or a disk until
a layer is opened.  ``with_layers`` and ``with_config`` return new images.  Formats: OCI image-spec
1.1 (manifest.md, config.md, image-index.md) and Docker image manifest version 2, schema 2.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol

from kfslim.canonical import canonical_json
from kfslim.errors import BadImage, InputError
from kfslim.files import disk_errors
from kfslim.oci.digest import VerifyingReader, check_digest, digest_of

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
OCI_LAYER_GZIP = OCI_LAYER + "+gzip"
OCI_LAYER_ZSTD = OCI_LAYER + "+zstd"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"
MANIFEST_TYPES = (OCI_MANIFEST, DOCKER_MANIFEST)
INDEX_TYPES = (OCI_INDEX, DOCKER_INDEX)
MAX_MANIFEST_BYTES = 4 << 20  # distribution-spec: registries refuse larger manifests
MAX_CONFIG_BYTES = 16 << 20
EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True, order=True)
class Platform:
    """What a machine must be to run an image, e.g. ``linux/amd64`` or ``linux/arm64/v8``."""

    os: str = "linux"
    architecture: str = "amd64"
    variant: str = ""

    @classmethod
    def parse(cls, text: str) -> Platform:
        """Parse ``os/architecture[/variant]``.

        Raises:
            InputError: the text has another shape.
        """
        parts = text.strip().split("/")
        if not 2 <= len(parts) <= 3 or not all(parts):
            raise InputError(f"{text!r} is not a platform", hint="Example: linux/amd64")
        return cls(*parts)

    def matches(self, wanted: Platform) -> bool:
        """True when an image for ``self`` runs on ``wanted``; an empty variant matches any."""
        same = (self.os, self.architecture) == (wanted.os, wanted.architecture)
        return same and (not self.variant or not wanted.variant or self.variant == wanted.variant)

    def __str__(self) -> str:
        return "/".join(filter(None, (self.os, self.architecture, self.variant)))


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What points at a blob: type, digest, ``size`` in bytes as stored (content bytes)."""

    media_type: str
    digest: str
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict)
    platform: Platform | None = None

    @classmethod
    def from_json(cls, value: Any) -> Descriptor:
        """Read a descriptor object.

        Raises:
            BadImage: a field is missing or of another type.
        """
        try:
            size, platform = value["size"], value.get("platform")
            if not isinstance(size, int) or isinstance(size, bool) or size < 0:
                raise BadImage(f"a descriptor's size is {size!r}")
            return cls(
                str(value.get("mediaType", "")),
                check_digest(value["digest"]),
                size,
                dict(value.get("annotations") or {}),
                _platform_from_json(platform) if platform else None,
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise BadImage(f"a descriptor is malformed: {error!r}") from error

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object, without empty fields."""
        value: dict[str, Any] = {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": self.size,
        }
        if self.annotations:
            value["annotations"] = dict(sorted(self.annotations.items()))
        if self.platform:
            names = ("os", "architecture", "variant")
            value["platform"] = {n: v for n in names if (v := getattr(self.platform, n))}
        return value


def _platform_from_json(value: Any) -> Platform:
    return Platform(
        str(value.get("os") or "linux"),
        str(value.get("architecture") or ""),
        str(value.get("variant") or ""),
    )


class BlobSource(Protocol):
    """Where blobs can be opened: a store, a cache, memory."""

    def open_blob(self, descriptor: Descriptor) -> VerifyingReader:
        """Open a blob's stored (compressed) bytes; reading them checks size and digest.

        Raises:
            NotFound, StoreError, AuthError: the place does not give it.
        """


@dataclass(frozen=True, slots=True)
class BytesSource:
    """One blob in memory."""

    data: bytes

    def open_blob(self, descriptor: Descriptor) -> VerifyingReader:
        """Open the bytes."""
        return VerifyingReader(io.BytesIO(self.data), descriptor.digest, descriptor.size)


@dataclass(frozen=True, slots=True)
class FileSource:
    """One blob in a file."""

    path: str

    def open_blob(self, descriptor: Descriptor) -> VerifyingReader:
        """Open the file.

        Raises:
            DiskError: it cannot be opened.
        """
        with disk_errors("opening a blob"):
            stream: BinaryIO = open(self.path, "rb", buffering=0)  # noqa: SIM115, PTH123
        return VerifyingReader(stream, descriptor.digest, descriptor.size, self.path)


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: its blob, the digest of its uncompressed tar, and where to open it."""

    descriptor: Descriptor
    diff_id: str
    source: BlobSource = field(compare=False, repr=False)

    def open(self) -> VerifyingReader:
        """Open the stored (compressed) bytes."""
        return self.source.open_blob(self.descriptor)


@dataclass(frozen=True, slots=True)
class Image:
    """One image for one platform.

    ``manifest_bytes`` and ``config_bytes`` are exactly the bytes their digests were taken of.
    """

    manifest_bytes: bytes
    media_type: str
    config_bytes: bytes
    layers: tuple[Layer, ...]

    @classmethod
    def parse(
        cls, manifest_bytes: bytes, media_type: str, config_bytes: bytes, source: BlobSource
    ) -> Image:
        """Make an image of stored bytes; layers open through ``source``.

        Raises:
            BadImage: manifest or config is malformed, or they contradict each other.
        """
        manifest, config = (
            load_object(manifest_bytes, "manifest"),
            load_object(config_bytes, "config"),
        )
        described = Descriptor.from_json(manifest.get("config"))
        if digest_of(config_bytes) != described.digest:
            raise BadImage("the config is not the one that the manifest names")
        descriptors = [Descriptor.from_json(d) for d in list_in(manifest, "layers")]
        _check_config(config)
        diff_ids = list_in(config.get("rootfs") or {}, "diff_ids")
        if len(diff_ids) != len(descriptors):
            raise BadImage(f"{len(descriptors)} layers, but {len(diff_ids)} diff_ids in the config")
        layers = tuple(
            Layer(d, check_digest(i), source) for d, i in zip(descriptors, diff_ids, strict=True)
        )
        return cls(manifest_bytes, media_type, config_bytes, layers)

    @classmethod
    def build(
        cls,
        config: Mapping[str, Any],
        layers: Iterable[Layer],
        *,
        annotations: Mapping[str, str] | None = None,
        docker: bool = False,
    ) -> Image:
        """Serialise a new image; ``docker`` chooses schema 2 media types instead of OCI's.

        ``config`` is the whole config object; its ``rootfs`` is filled in from ``layers``.
        """
        layers = tuple(_retyped(layer, docker) for layer in layers)
        rootfs = {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}
        config_bytes = canonical_json({**config, "rootfs": rootfs})
        config_type = DOCKER_CONFIG if docker else OCI_CONFIG
        media_type = DOCKER_MANIFEST if docker else OCI_MANIFEST
        manifest: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": Descriptor(config_type, digest_of(config_bytes), len(config_bytes)).to_json(),
            "layers": [layer.descriptor.to_json() for layer in layers],
        }
        if annotations and not docker:
            manifest["annotations"] = dict(annotations)
        return cls(canonical_json(manifest), media_type, config_bytes, layers)

    @classmethod
    def empty(cls, platform: Platform) -> Image:
        """Return an image without layers, what ``FROM scratch`` starts from."""
        config: dict[str, Any] = {
            "architecture": platform.architecture,
            "os": platform.os,
            "created": EPOCH,
            "config": {},
            "history": [],
        }
        if platform.variant:
            config["variant"] = platform.variant
        return cls.build(config, ())

    @property
    def digest(self) -> str:
        """The digest of the manifest: the image's name that cannot move."""
        return digest_of(self.manifest_bytes)

    @property
    def descriptor(self) -> Descriptor:
        """The descriptor of the manifest, with the platform."""
        return Descriptor(
            self.media_type, self.digest, len(self.manifest_bytes), platform=self.platform
        )

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest as JSON (a fresh copy)."""
        return load_object(self.manifest_bytes, "manifest")

    @property
    def config(self) -> dict[str, Any]:
        """The whole config as JSON (a fresh copy)."""
        return load_object(self.config_bytes, "config")

    @property
    def config_descriptor(self) -> Descriptor:
        """The descriptor of the config blob."""
        return Descriptor.from_json(self.manifest["config"])

    @property
    def runtime(self) -> dict[str, Any]:
        """The ``config.config`` object: Env, Cmd, Entrypoint, User, WorkingDir, Labels."""
        value = self.config.get("config")
        return value if isinstance(value, dict) else {}

    @property
    def env(self) -> dict[str, str]:
        """The environment of the image."""
        return dict(item.partition("=")[::2] for item in self.runtime.get("Env") or [])

    @property
    def labels(self) -> dict[str, str]:
        """The labels of the image."""
        return dict(self.runtime.get("Labels") or {})

    @property
    def annotations(self) -> dict[str, str]:
        """The annotations of the manifest."""
        return dict(self.manifest.get("annotations") or {})

    @property
    def platform(self) -> Platform:
        """The platform that the config names."""
        return _platform_from_json(self.config)

    @property
    def content_bytes(self) -> int:
        """Compressed bytes of all layers; config and manifest are not counted."""
        return sum(layer.descriptor.size for layer in self.layers)

    @property
    def is_docker(self) -> bool:
        """True for Docker's schema 2 media types."""
        return self.media_type == DOCKER_MANIFEST

    def as_oci(self) -> Image:
        """Return this image with OCI media types, as skopeo wants them in an OCI layout.

        Of a schema 2 image manifest and config are serialised anew: it is another digest then.
        """
        return Image.build(self.config, self.layers) if self.is_docker else self

    def with_layers(self, layers: Iterable[Layer], history: Iterable[Mapping[str, Any]]) -> Image:
        """Return this image with ``layers`` on top, one history entry each.

        A schema 2 image stays schema 2, unless a new layer's codec (zstd) does not exist there.
        """
        added, entries = tuple(layers), [dict(entry) for entry in history]
        if len(added) != len(entries):
            raise ValueError(
                f"{len(added)} layers need as many history entries, not {len(entries)}"
            )
        config = self.config
        config["history"] = [*(config.get("history") or []), *entries]
        zstd = any(layer.descriptor.media_type == OCI_LAYER_ZSTD for layer in added)
        return Image.build(
            config,
            (*self.layers, *added),
            annotations=self.annotations,
            docker=self.is_docker and not zstd,
        )

    def with_config(
        self,
        *,
        env: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> Image:
        """Return this image with ``env``, ``labels`` and ``annotations`` merged in.

        ``fields`` are set in ``config.config`` (``User="65532"``); None removes one.
        """
        config, runtime = self.config, dict(self.runtime)
        if env:
            runtime["Env"] = [f"{k}={v}" for k, v in {**self.env, **env}.items()]
        if labels:
            runtime["Labels"] = dict(sorted({**self.labels, **labels}.items()))
        runtime.update(fields)
        config["config"] = {k: v for k, v in runtime.items() if v is not None}
        return Image.build(
            config,
            self.layers,
            annotations={**self.annotations, **(annotations or {})},
            docker=self.is_docker,
        )


_TO_DOCKER = {OCI_LAYER_GZIP: DOCKER_LAYER_GZIP}
_TO_OCI = {DOCKER_LAYER_GZIP: OCI_LAYER_GZIP}


def _retyped(layer: Layer, docker: bool) -> Layer:
    d = layer.descriptor
    media_type = (_TO_DOCKER if docker else _TO_OCI).get(d.media_type, d.media_type)
    if media_type == d.media_type:
        return layer
    annotations = {} if docker else d.annotations
    return Layer(Descriptor(media_type, d.digest, d.size, annotations), layer.diff_id, layer.source)


@dataclass(frozen=True, slots=True)
class Index:
    """A multi-platform image: the bytes of the index and the descriptors in it.

    ``images`` are the images that are at hand (all of them, for an index about to be written).
    """

    index_bytes: bytes
    media_type: str
    manifests: tuple[Descriptor, ...]
    images: tuple[Image, ...] = ()

    @classmethod
    def parse(cls, index_bytes: bytes, media_type: str) -> Index:
        """Make an index of stored bytes.

        Raises:
            BadImage: it is malformed.
        """
        value = load_object(index_bytes, "index")
        entries = tuple(Descriptor.from_json(d) for d in list_in(value, "manifests"))
        return cls(index_bytes, media_type, entries)

    @classmethod
    def build(cls, images: Iterable[Image], annotations: Mapping[str, str] | None = None) -> Index:
        """Serialise a new OCI index over ``images``, sorted by platform."""
        images = tuple(sorted(images, key=lambda image: image.platform))
        manifests = tuple(image.descriptor for image in images)
        value: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [d.to_json() for d in manifests],
        }
        if annotations:
            value["annotations"] = dict(annotations)
        return cls(canonical_json(value), OCI_INDEX, manifests, images)

    @property
    def digest(self) -> str:
        """The digest of the index."""
        return digest_of(self.index_bytes)

    @property
    def descriptor(self) -> Descriptor:
        """The descriptor of the index."""
        return Descriptor(self.media_type, self.digest, len(self.index_bytes))

    def choose(self, platform: Platform) -> Descriptor:
        """Return the first manifest that runs on ``platform``.

        Raises:
            BadImage: there is none; the message lists what there is.
        """
        for descriptor in self.manifests:
            if descriptor.platform and descriptor.platform.matches(platform):
                return descriptor
        there = ", ".join(sorted({str(d.platform) for d in self.manifests if d.platform}))
        raise BadImage(f"there is no image for {platform}; there is {there or 'none'}")


def load_object(data: bytes, what: str) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        BadImage: the bytes are no JSON object; ``what`` names them.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadImage(f"the {what} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadImage(f"the {what} is not a JSON object")
    return value


def list_in(value: Mapping[str, Any], key: str) -> list[Any]:
    """Return the list under ``key``, empty when it is absent or null.

    Raises:
        BadImage: there is something else.
    """
    found = value.get(key)
    if found is None:
        return []
    if not isinstance(found, list):
        raise BadImage(f"{key!r} is not a list")
    return found


def _check_config(config: Mapping[str, Any]) -> None:
    """Refuse a config whose known fields have other types than config.md gives them."""
    runtime = config.get("config")
    for name, value in (("rootfs", config.get("rootfs")), ("config", runtime)):
        if not isinstance(value, dict | None):
            raise BadImage(f"{name!r} of the config is not an object")
    labels = (runtime or {}).get("Labels")
    if not isinstance(labels, dict | None):
        raise BadImage("'Labels' of the config is not an object")
    if not all(isinstance(item, str) for item in list_in(runtime or {}, "Env")):
        raise BadImage("'Env' of the config is not a list of strings")
    if not all(isinstance(entry, dict) for entry in list_in(config, "history")):
        raise BadImage("'history' of the config is not a list of objects")
