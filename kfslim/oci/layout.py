"""Images in a folder: OCI image-layout 1.0 (image-spec, image-layout.md).

::

    oci-layout            {"imageLayoutVersion": "1.0.0"}; also the file that writers lock
    index.json            what is here; names in org.opencontainers.image.ref.name
    blobs/sha256/<hex>    manifests, configs, layers

Blobs and ``index.json`` appear by rename, so readers need no lock.  Writers change ``index.json``
one after another, under a lock that other processes respect (``flock``); entries that are not ours
stay as they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

from kfslim.errors import BadImage, NotFound
from kfslim.files import atomic_path, check_writable, disk_errors, write_atomic
from kfslim.oci.digest import VerifyingReader, check_digest
from kfslim.oci.image import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    MAX_CONFIG_BYTES,
    MAX_MANIFEST_BYTES,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Image,
    Index,
    Layer,
    Platform,
    list_in,
    load_object,
)
from kfslim.oci.layout_index import LayoutIndex, descriptor_of, entered, name_of, only
from kfslim.oci.reference import Reference
from kfslim.oci.select import read_image
from kfslim.oci.sending import (
    Meter,
    Once,
    Stop,
    blob_bytes,
    blobs_of,
    children_of,
    images_of,
    manifest_of,
    send_all,
    total,
)
from kfslim.oci.store import Written
from kfslim.progress import SILENT, Progress, Task


class LayoutStore:
    """One layout folder.  It is made by the first write.  Safe for threads and processes."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference
        self._root = Path(reference.name)
        self._index = LayoutIndex(self._root)
        self._once = Once()

    # reading

    def resolve(self, target: str | None = None) -> Descriptor | None:
        """Return the descriptor under a name or digest, None if absent.

        Without a target and without a tag in the reference it is the only image, else ``latest``.

        Raises:
            BadImage: the folder is no OCI layout, or a broken one.
        """
        entries = self._index.entries()
        wanted = target or self.reference.digest or self.reference.tag
        if wanted is None:
            return only(entries) or self.resolve("latest")
        if wanted.startswith("sha256:"):
            return self._by_digest(entries, check_digest(wanted))
        named = [e for e in entries if name_of(e) == wanted]
        return descriptor_of(named[-1]) if named else None

    def _by_digest(self, entries: list[dict[str, Any]], digest: str) -> Descriptor | None:
        """Find a manifest by digest: an entry, or one that an index here leads to."""
        for entry in entries:
            if entry.get("digest") == digest:
                return descriptor_of(entry)
        try:
            data = self._read_blob(digest, MAX_MANIFEST_BYTES)
        except (NotFound, BadImage):
            return None
        media_type = _manifest_type(data)
        return Descriptor(media_type, digest, len(data)) if media_type else None

    def read_index(self, target: str | None = None) -> Image | Index:
        """Read what is under a name or digest; an index stays an index.

        Raises:
            NotFound: nothing under this name; the hint says what there is.
            BadImage: it is malformed.
            DigestMismatch: a blob was changed.
        """
        descriptor = self.resolve(target)
        if descriptor is None:
            raise self._nothing(target)
        with self.open_blob(_bounded(descriptor, MAX_MANIFEST_BYTES)) as stream:
            data = stream.read()
        media_type = descriptor.media_type
        if media_type not in (*INDEX_TYPES, *MANIFEST_TYPES):
            media_type = _manifest_type(data)
        if media_type in INDEX_TYPES:
            return Index.parse(data, media_type)
        config = Descriptor.from_json(load_object(data, "manifest").get("config"))
        with self.open_blob(_bounded(config, MAX_CONFIG_BYTES)) as stream:
            return Image.parse(data, media_type, stream.read(), self)

    def _nothing(self, target: str | None) -> NotFound:
        name = target or self.reference.digest or self.reference.tag
        there = ", ".join(self.tags()[:10])
        hint = f"It has: {there}" if there else "It has no named images."
        if name:
            return NotFound(f"{self._root} has no image {name}", hint=hint)
        return NotFound(f"{self._root} has not exactly one image: name one", hint=hint)

    def read(self, target: str | None = None, platform: Platform | None = None) -> Image:
        """Read one image; of an index the one for ``platform`` (default: ``linux/amd64``).

        Raises:
            As :meth:`read_index`; BadImage also when nothing is for the platform.
        """
        return read_image(self, target, platform)

    def open_blob(self, descriptor: Descriptor) -> VerifyingReader:
        """Open a blob.

        Raises:
            NotFound: it is not here.
            DiskError: it cannot be read.
        """
        path = self._blob(descriptor.digest)
        with disk_errors("opening a blob"):
            try:
                stream: BinaryIO = path.open("rb", buffering=0)
            except FileNotFoundError as error:
                raise NotFound(f"blob {descriptor.digest} is not in {self._root}") from error
        return VerifyingReader(stream, descriptor.digest, descriptor.size, str(self._root))

    def tags(self) -> list[str]:
        """Return all names, sorted."""
        return sorted({name for entry in self._index.entries() if (name := name_of(entry))})

    # writing

    def check_push(self) -> None:
        """Look whether the folder may be written.

        Raises:
            DiskError: it may not.
        """
        check_writable(self._root / "index.json")

    def write(
        self, image: Image | Index, tag: str | None = None, progress: Progress = SILENT
    ) -> Written:
        """Write blobs, then manifests, then the entry in ``index.json``.

        Raises:
            DiskError: no space or no permission; nothing is visible then.
            BadImage: an index without its images.
        """
        children_of(image)
        if self._is_whole(image, tag):
            return Written(image.digest, present_bytes=blob_bytes(image))
        self._index.create()
        with progress.task(f"write {(tag or image.digest)[:40]}", blob_bytes(image)) as task:
            parts = send_all(blobs_of(image), lambda layer, stop: self._send(layer, task, stop))
            with self._index.locked():
                parts += self._commit(image, tag, task)
        return total(image.digest, parts)

    def _is_whole(self, image: Image | Index, tag: str | None) -> bool:
        """True when the image is here under the tag, with every blob."""
        there = self.resolve(tag or image.digest)
        if there is None or there.digest != image.digest:
            return False
        listed = tag or any(e.get("digest") == image.digest for e in self._index.entries())
        manifests = (one.descriptor for one in (image, *images_of(image)))
        needed = [*manifests, *(layer.descriptor for layer in blobs_of(image))]
        return bool(listed) and all(map(self._has, needed))

    def _commit(self, image: Image | Index, tag: str | None, task: Task) -> list[Written]:
        """Make the image visible.  The lock is held, so that no ``delete`` takes blobs away."""
        parts = []
        for blob in blobs_of(image):  # one that we found here may have been deleted meanwhile
            if not self._has(blob.descriptor):
                parts.append(self._copy(blob, Meter(task, Stop())))
        for one in (*children_of(image), image):
            data = manifest_of(one)
            if not self._has(one.descriptor):
                write_atomic(self._blob(one.digest), data)
                parts.append(Written(one.digest, pushed_bytes=len(data)))
        self._index.save(entered(self._index.entries(), image.descriptor, tag))
        return parts

    def send_blob(self, layer: Layer, progress: Progress = SILENT) -> Written:
        """Write one layer ahead of its image.

        Raises:
            DiskError: no space or no permission.
        """
        self._index.create()
        title = f"write {layer.descriptor.digest[7:19]}"
        with progress.task(title, layer.descriptor.size) as task:
            return self._send(layer, task, Stop())

    def _send(self, layer: Layer, task: Task, stop: Stop) -> Written:
        meter = Meter(task, stop)
        written = self._once.send(layer, lambda: self._send_new(layer, meter))
        meter.reach(layer.descriptor.size)
        return written

    def _send_new(self, layer: Layer, meter: Meter) -> Written:
        if self._has(layer.descriptor):
            return Written(layer.descriptor.digest, present_bytes=layer.descriptor.size)
        return self._copy(layer, meter)

    def _copy(self, layer: Layer, meter: Meter) -> Written:
        digest, size = layer.descriptor.digest, layer.descriptor.size
        with (
            atomic_path(self._blob(digest)) as temporary,
            disk_errors(f"writing {digest[:19]}"),
            layer.open() as stream,
            temporary.open("wb") as out,
        ):
            for chunk in meter.follow(stream.chunks()):
                out.write(chunk)
        return Written(digest, pushed_bytes=size)

    def delete(self, tag: str) -> None:
        """Remove a name, and the blobs that only its image used.

        Blobs that no image has used yet are kept: another process may be writing their image.

        Raises:
            NotFound: there is no such name.
        """
        if tag not in self.tags():
            raise NotFound(f"{self._root} has no image {tag}")
        with self._index.locked():
            entries = self._index.entries()
            left = [e for e in entries if name_of(e) != tag]
            gone = [e for e in entries if name_of(e) == tag]
            unused = self._reach(gone) - self._reach(left)
            self._index.save(left)
            for digest in unused:
                with disk_errors("deleting a blob"):
                    self._blob(digest).unlink(missing_ok=True)
        self._once.forget()

    def _reach(self, entries: list[dict[str, Any]]) -> set[str]:
        """Return the digests of everything that ``entries`` lead to."""
        seen: set[str] = set()
        waiting = [str(entry.get("digest")) for entry in entries]
        while waiting:
            digest = waiting.pop()
            if digest in seen:
                continue
            seen.add(digest)
            waiting += self._named_by(digest)
        return seen

    def _named_by(self, digest: str) -> list[str]:
        """Return the digests that a manifest or index names; none of any other blob."""
        try:
            value = load_object(self._read_blob(digest, MAX_MANIFEST_BYTES), "manifest")
            named = [*list_in(value, "manifests"), *list_in(value, "layers"), value.get("config")]
        except (NotFound, BadImage):
            return []
        return [str(d["digest"]) for d in named if isinstance(d, dict) and "digest" in d]

    def close(self) -> None:
        """Nothing is kept open."""

    # the folder

    def _blob(self, digest: str) -> Path:
        return self._root / "blobs" / "sha256" / check_digest(digest).removeprefix("sha256:")

    def _has(self, descriptor: Descriptor) -> bool:
        try:
            return self._blob(descriptor.digest).stat().st_size == descriptor.size
        except OSError:
            return False

    def _read_blob(self, digest: str, limit: int) -> bytes:
        """Read a blob whose size nobody promised.

        Raises:
            NotFound, BadImage: it is not here, or longer than ``limit``.
        """
        try:
            size = self._blob(digest).stat().st_size
        except OSError as error:
            raise NotFound(f"blob {digest} is not in {self._root}") from error
        with self.open_blob(_bounded(Descriptor("", digest, size), limit)) as stream:
            return stream.read()


def _bounded(descriptor: Descriptor, limit: int) -> Descriptor:
    """Return the descriptor of something that will be held in memory.

    Raises:
        BadImage: it is larger than ``limit`` bytes.
    """
    if descriptor.size > limit:
        raise BadImage(f"{descriptor.digest} has {descriptor.size} bytes, too many for what it is")
    return descriptor


def _manifest_type(data: bytes) -> str:
    """Return the media type of manifest bytes, from their own field or their shape; else empty.

    Raises:
        BadImage: they are no JSON object.
    """
    value = load_object(data, "manifest")
    said = str(value.get("mediaType", ""))
    if said in (*INDEX_TYPES, *MANIFEST_TYPES):
        return said
    if "layers" in value and "config" in value:
        return OCI_MANIFEST
    return OCI_INDEX if "manifests" in value else ""
