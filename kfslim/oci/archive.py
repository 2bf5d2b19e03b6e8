"""Images in a ``docker save`` archive: a tar file, read in place.

Two formats are read.  The older one has ``manifest.json``, configs, and *uncompressed* layers,
whose digest is their diff_id: the manifest is then made by us (the same bytes every time), its
config is the archive's own, and content size is about the disk size, since an engine does not keep
the compressed layers it once pulled.  Docker 25 and later put an OCI layout into the tar; its
manifests are taken as they are.
"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from kfslim.canonical import canonical_json
from kfslim.errors import BadImage, BadReference, DigestMismatch, NotFound
from kfslim.files import disk_errors
from kfslim.oci.digest import CHUNK, VerifyingReader, digest_of
from kfslim.oci.image import (
    INDEX_TYPES,
    MAX_CONFIG_BYTES,
    MAX_MANIFEST_BYTES,
    OCI_CONFIG,
    OCI_LAYER,
    OCI_LAYER_GZIP,
    OCI_LAYER_ZSTD,
    OCI_MANIFEST,
    Descriptor,
    Image,
    Index,
    Platform,
    list_in,
    load_object,
)
from kfslim.oci.reference import Reference, parse_reference
from kfslim.oci.select import read_image

_CONTAINERD_NAME = "io.containerd.image.name"
_REF_NAME = "org.opencontainers.image.ref.name"
_MAGIC = ((b"\x1f\x8b", OCI_LAYER_GZIP), (b"\x28\xb5\x2f\xfd", OCI_LAYER_ZSTD))


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of the archive's file, in bytes."""

    offset: int
    size: int


class _PartStream:
    """Reads one part by position, so that many can be read from one file at once."""

    def __init__(self, file: BinaryIO, part: _Part) -> None:
        self._file, self._at, self._end = file, part.offset, part.offset + part.size

    def read(self, amount: int = -1) -> bytes:
        left = self._end - self._at
        with disk_errors("reading an image archive"):
            data = os.pread(
                self._file.fileno(), left if amount < 0 else min(amount, left), self._at
            )
        self._at += len(data)
        return data

    def close(self) -> None:
        pass


class SavedImages:
    """The images in an open archive file.  A :class:`~kfslim.oci.image.BlobSource`.

    Raises (from the constructor):
        BadImage: it is no archive of images.
    """

    def __init__(self, file: BinaryIO, where: str) -> None:
        self._file, self._where = file, where
        self._parts = _index(file, where)
        self._blobs: dict[str, _Part] = {}
        for name, part in self._parts.items():
            if name.startswith("blobs/sha256/"):
                self._blobs["sha256:" + posixpath.basename(name)] = part
        self._images = self._find_images()

    def _find_images(self) -> list[tuple[tuple[str, ...], Descriptor | dict[str, Any]]]:
        """Return every image with its names: by descriptor, or by the older format's entry."""
        if "index.json" in self._parts and "oci-layout" in self._parts:
            index = load_object(self._small("index.json", MAX_MANIFEST_BYTES), "index.json")
            entries = [Descriptor.from_json(d) for d in list_in(index, "manifests")]
            return [(_oci_names(d), d) for d in entries]
        if "manifest.json" not in self._parts:
            raise BadImage(f"{self._where} has no manifest.json: it is not a `docker save` archive")
        listed = _load_list(self._small("manifest.json", MAX_MANIFEST_BYTES), self._where)
        return [(tuple(_normal(str(n)) for n in list_in(e, "RepoTags")), e) for e in listed]

    @property
    def names(self) -> list[str]:
        """Return all names of all images, sorted, in full (``docker.io/library/x:latest``)."""
        return sorted({name for names, _ in self._images for name in names})

    def find(self, target: str | None) -> Image | Index:
        """Return the image under a name or a manifest or config digest; None: the only one.

        Raises:
            NotFound: there is no such image, or more than one to choose from.
            BadImage: it is malformed.
        """
        if target and target.startswith("sha256:"):
            return self._by_digest(target)
        wanted = _normal(target) if target else None
        found = [image for names, image in self._images if wanted is None or wanted in names]
        if len(found) == 1 or (found and wanted):
            return self._load(found[0])
        hint = f"It has: {', '.join(self.names[:10])}" if self.names else ""
        what = f"has no image {target}" if target else f"has {len(found)} images: name one"
        raise NotFound(f"{self._where} {what}", hint=hint)

    def _by_digest(self, digest: str) -> Image | Index:
        for _, one in self._images:
            image = self._load(one)
            config = image.config_descriptor.digest if isinstance(image, Image) else ""
            if digest in (image.digest, config):
                return image
        if digest in self._blobs:
            return self._load(Descriptor("", digest, self._blobs[digest].size))
        raise NotFound(f"{self._where} has no image {digest}")

    def _load(self, image: Descriptor | dict[str, Any]) -> Image | Index:
        return self._load_oci(image) if isinstance(image, Descriptor) else self._load_saved(image)

    def _load_oci(self, descriptor: Descriptor) -> Image | Index:
        data = self._whole(descriptor, MAX_MANIFEST_BYTES)
        value = load_object(data, "manifest")
        media_type = descriptor.media_type or str(value.get("mediaType") or OCI_MANIFEST)
        if media_type in INDEX_TYPES:
            return Index.parse(data, media_type)
        config = self._whole(Descriptor.from_json(value.get("config")), MAX_CONFIG_BYTES)
        return Image.parse(data, media_type, config, self)

    def _load_saved(self, entry: dict[str, Any]) -> Image:
        name, layers = str(entry.get("Config")), [str(x) for x in list_in(entry, "Layers")]
        config_bytes = self._small(name, MAX_CONFIG_BYTES)
        named = posixpath.basename(name).removesuffix(".json")
        if len(named) == 64 and digest_of(config_bytes) != f"sha256:{named}":
            raise DigestMismatch(f"{self._where}: the config is not the one that its name promises")
        rootfs = load_object(config_bytes, "config").get("rootfs")
        diff_ids = list_in(rootfs, "diff_ids") if isinstance(rootfs, dict) else []
        if len(diff_ids) != len(layers):
            raise BadImage(f"{len(layers)} layers, but {len(diff_ids)} diff_ids in the config")
        config = Descriptor(OCI_CONFIG, digest_of(config_bytes), len(config_bytes))
        listed = [self._layer(n, str(i)) for n, i in zip(layers, diff_ids, strict=True)]
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": config.to_json(),
            "layers": [descriptor.to_json() for descriptor in listed],
        }
        return Image.parse(canonical_json(manifest), OCI_MANIFEST, config_bytes, self)

    def _layer(self, name: str, diff_id: str) -> Descriptor:
        """Describe a layer file: a plain tar by its diff_id, a compressed one by its own hash."""
        part = self._part(name)
        head = _PartStream(self._file, part).read(4)
        media_type = next((t for magic, t in _MAGIC if head.startswith(magic)), OCI_LAYER)
        digest = diff_id if media_type == OCI_LAYER else self._hash(part)
        self._blobs[digest] = part
        return Descriptor(media_type, digest, part.size)

    def _hash(self, part: _Part) -> str:
        digest, stream = hashlib.sha256(), _PartStream(self._file, part)
        for chunk in iter(lambda: stream.read(CHUNK), b""):
            digest.update(chunk)
        return "sha256:" + digest.hexdigest()

    def open_blob(self, descriptor: Descriptor) -> VerifyingReader:
        """Open a blob.

        Raises:
            NotFound: it is not in the archive.
        """
        part = self._blobs.get(descriptor.digest)
        if part is None:
            raise NotFound(f"blob {descriptor.digest} is not in {self._where}")
        stream = cast(BinaryIO, _PartStream(self._file, part))
        return VerifyingReader(stream, descriptor.digest, descriptor.size, self._where)

    def _whole(self, descriptor: Descriptor, limit: int) -> bytes:
        if descriptor.size > limit:
            raise BadImage(f"{descriptor.digest} has {descriptor.size} bytes, too many to be true")
        with self.open_blob(descriptor) as stream:
            return stream.read()

    def _small(self, name: str, limit: int) -> bytes:
        part = self._part(name)
        if part.size > limit:
            raise BadImage(f"{self._where}: {name} has {part.size} bytes, too many to be true")
        return _PartStream(self._file, part).read()

    def _part(self, name: str) -> _Part:
        part = self._parts.get(posixpath.normpath(name))
        if part is None:
            raise BadImage(f"{self._where}: {name[:80]} is missing")
        return part


def _index(file: BinaryIO, where: str) -> dict[str, _Part]:
    """Return where each file of a tar lies, following links (``docker save`` shares layers so)."""
    parts: dict[str, _Part] = {}
    links: dict[str, str] = {}
    for member in _members(file, where):
        name = posixpath.normpath(member.name)
        if member.isreg():
            parts[name] = _Part(member.offset_data, member.size)
        elif member.issym():
            links[name] = posixpath.normpath(
                posixpath.join(posixpath.dirname(name), member.linkname)
            )
        elif member.islnk():
            links[name] = posixpath.normpath(member.linkname)
    for name, target in links.items():
        if target in parts:
            parts[name] = parts[target]
    return parts


def _members(file: BinaryIO, where: str) -> Iterator[tarfile.TarInfo]:
    try:
        file.seek(0)
        with tarfile.open(fileobj=file, mode="r:") as archive:
            yield from archive
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise BadImage(f"{where} is not a tar archive, or a broken one: {error}") from error


def _load_list(data: bytes, where: str) -> list[dict[str, Any]]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadImage(f"{where}: manifest.json is not JSON") from error
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise BadImage(f"{where}: manifest.json is not a list of images")
    return value


def _oci_names(descriptor: Descriptor) -> tuple[str, ...]:
    said = descriptor.annotations
    names = (said.get(_CONTAINERD_NAME), said.get(_REF_NAME))
    return tuple(_normal(name) for name in names if name)


def _normal(name: str) -> str:
    """Return an image name in full: with registry, repository and tag."""
    try:
        reference = parse_reference(f"docker-daemon:{name}")
    except BadReference:
        return name
    return f"{reference.repository}:{reference.tag or 'latest'}"


def spooled(file: BinaryIO) -> BinaryIO:
    """Return ``file``, or if it is gzip its content in an unnamed temporary file.

    Raises:
        BadImage: the compression is broken.
        DiskError: there is no room for it.
    """
    magic = file.read(2)
    file.seek(0)
    if magic != b"\x1f\x8b":
        return file
    import gzip

    with disk_errors("unpacking an image archive"):
        plain = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115
        try:
            with file, gzip.GzipFile(fileobj=file) as packed:
                shutil.copyfileobj(packed, plain, CHUNK)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise BadImage(f"an image archive's compression is broken: {error}") from error
    return plain


class ArchiveReader:
    """A ``docker save`` file: ``docker-archive:FILE[:NAME]``."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference
        self._saved: SavedImages | None = None
        self._file: BinaryIO | None = None

    def _images(self) -> SavedImages:
        if self._saved is None:
            path = Path(self.reference.name)
            if not path.is_file():
                raise NotFound(f"{path}: no such file")
            with disk_errors("opening an image archive"):
                self._file = spooled(path.open("rb"))
            self._saved = SavedImages(self._file, str(path))
        return self._saved

    def resolve(self, target: str | None = None) -> Descriptor | None:
        """Return the descriptor of an image in the archive, None if it is not there."""
        try:
            return self.read_index(target).descriptor
        except NotFound:
            return None

    def read_index(self, target: str | None = None) -> Image | Index:
        """Read what is there; without a name the archive's only image.

        Raises:
            NotFound: no such file, or no such image in it.
            BadImage: it is malformed.
        """
        return self._images().find(target or self.reference.tag)

    def read(self, target: str | None = None, platform: Platform | None = None) -> Image:
        """Read one image.

        Raises:
            As :meth:`read_index`; BadImage also when nothing is for the platform.
        """
        return read_image(self, target, platform)

    def open_blob(self, descriptor: Descriptor) -> VerifyingReader:
        """Open a blob of an image that was read."""
        return self._images().open_blob(descriptor)

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()
        self._saved = self._file = None
