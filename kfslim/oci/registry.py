"""Images in a registry: the OCI distribution API (distribution-spec 1.1), thinly.

Reads and writes OCI and Docker schema 2 manifests and indexes, exactly as their bytes came.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from typing import BinaryIO, cast

from kfslim.errors import (
    BadImage,
    DigestMismatch,
    FetchError,
    NotFound,
    OutsideError,
    StoreError,
    Unsupported,
)
from kfslim.net import ATTEMPTS, Answer, Resuming, TooLong, pause
from kfslim.oci.digest import VerifyingReader, check_digest, digest_of
from kfslim.oci.endpoint import Endpoint
from kfslim.oci.image import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    MAX_CONFIG_BYTES,
    MAX_MANIFEST_BYTES,
    BlobSource,
    Descriptor,
    Image,
    Index,
    Layer,
    Platform,
    list_in,
    load_object,
)
from kfslim.oci.reference import Reference
from kfslim.oci.select import read_image
from kfslim.oci.sending import (
    Meter,
    Once,
    Stop,
    blob_bytes,
    blobs_of,
    children_of,
    manifest_of,
    send_all,
    total,
)
from kfslim.oci.store import Written
from kfslim.oci.upload import BlobUpload
from kfslim.progress import SILENT, Progress, Task

_ACCEPT = {"Accept": ", ".join((*MANIFEST_TYPES, *INDEX_TYPES))}
_SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1"
_MAX_TAG_PAGES = 1000
_NEXT = re.compile(r'<([^>]+)>\s*;\s*rel="?next"?')


class RegistryStore:
    """One repository of a registry.  Safe to use from several threads.

    ``mount_from`` names repositories of the same registry that may have the blobs that are written
    here; those are mounted, not sent.  A layer that was read from the same registry is mounted
    without being told.
    """

    def __init__(self, reference: Reference, insecure: bool = False) -> None:
        self.reference = reference
        self.mount_from: tuple[str, ...] = ()
        self._endpoint = Endpoint(reference, insecure)
        self._push = self._endpoint.scope("pull,push")
        self._once = Once()

    # reading

    def resolve(self, target: str | None = None) -> Descriptor | None:
        """Ask for the descriptor under a tag or digest; None if there is none.

        Raises:
            StoreError, AuthError, RateLimited: the registry does not tell, however often asked.
            DigestMismatch: another digest than the one asked for.
        """
        return self._resolve(target or self.reference.target, self._endpoint.scope("pull"))

    def _resolve(self, target: str, scope: str) -> Descriptor | None:
        what = self._named(target)
        answer = self._endpoint.ask(
            "HEAD", f"manifests/{target}", what=what, scope=scope, headers=_ACCEPT
        )
        if answer.status == 404:
            answer.close()
            return None
        if answer.status != 200:
            raise self._endpoint.failure(answer, what)
        with answer:
            digest = answer.headers.get("Docker-Content-Digest", "")
            size = answer.headers.get("Content-Length", "")
        if not digest or not size.isdigit():  # both are optional in the specification
            data, media_type = self._manifest(target)
            return Descriptor(media_type, digest_of(data), len(data))
        self._same(target, check_digest(digest), what)
        return Descriptor(_media_type(answer), digest, int(size))

    def read_index(self, target: str | None = None) -> Image | Index:
        """Read what is under a tag or digest; an index stays an index.

        Raises:
            NotFound, StoreError, AuthError, RateLimited, DigestMismatch: the registry does not
                give it.
            BadImage: it is malformed.
            Unsupported: it is a schema 1 manifest.
        """
        data, media_type = self._manifest(target or self.reference.target)
        if media_type in INDEX_TYPES:
            return Index.parse(data, media_type)
        config = Descriptor.from_json(load_object(data, "manifest").get("config"))
        return Image.parse(data, media_type, self._config(config), self)

    def read(self, target: str | None = None, platform: Platform | None = None) -> Image:
        """Read one image; of an index the one for ``platform`` (default: ``linux/amd64``).

        Raises:
            As :meth:`read_index`; BadImage also when nothing is for the platform.
        """
        return read_image(self, target, platform)

    def open_blob(self, descriptor: Descriptor) -> VerifyingReader:
        """Open a blob; where the connection breaks, the rest is asked for.

        Raises:
            NotFound, StoreError, AuthError, RateLimited: the registry does not give it.
        """
        digest = check_digest(descriptor.digest)
        what = f"blob {digest[:19]} of {self._endpoint.where}"

        def open_at(offset: int) -> Answer:
            headers = {"Range": f"bytes={offset}-"} if offset else {}
            answer = self._endpoint.ask("GET", f"blobs/{digest}", what=what, headers=headers)
            if answer.status not in (200, 206):
                raise self._endpoint.failure(answer, what)
            return answer

        stream = cast(BinaryIO, Resuming(open_at, descriptor.size))
        return VerifyingReader(stream, digest, descriptor.size, self._endpoint.where)

    def tags(self) -> list[str]:
        """Return all tags, sorted; none when the repository does not exist."""
        found: list[str] = []
        path, what = "tags/list?n=1000", f"the tags of {self._endpoint.where}"
        for _ in range(_MAX_TAG_PAGES):
            try:
                data, answer = self._fetch(path, what)
            except NotFound:
                break
            found += list_in(load_object(data, "tag list"), "tags")
            following = _NEXT.search(answer.headers.get("Link", ""))
            if not following:
                break
            path = self._endpoint.follow(answer, following[1], what)
        return sorted(set(map(str, found)))

    # writing

    def check_push(self) -> None:
        """Open an upload and cancel it.

        Raises:
            AuthError, StoreError, RateLimited: the registry does not let us.
        """
        what = f"an upload to {self._endpoint.where}"
        answer = self._endpoint.ask("POST", "blobs/uploads/", what=what, scope=self._push, body=b"")
        if answer.status != 202:
            raise self._endpoint.failure(answer, what)
        with answer:
            location = self._endpoint.location(answer, what)
        with suppress(OutsideError):  # one that cannot be cancelled expires
            self._endpoint.ask("DELETE", location, what=what, scope=self._push).close()

    def write(
        self, image: Image | Index, tag: str | None = None, progress: Progress = SILENT
    ) -> Written:
        """Write blobs, then manifests by digest, then the tag.

        An image that is there under its tag costs one request.

        Raises:
            StoreError, AuthError, RateLimited: the registry does not take it; nothing is visible.
            BadImage: an index without its images.
        """
        digest = image.digest
        blobs, children = blobs_of(image), children_of(image)
        present = Written(digest, present_bytes=blob_bytes(image))
        if self._is(tag or digest, digest):
            return present
        if tag and self._is(digest, digest):
            return total(digest, [present, self._put(image, tag)])
        parts = self._send_blobs(blobs, tag or digest, progress)
        parts += [self._put(one, one.digest) for one in children]
        parts.append(self._put(image, digest))
        if tag:
            parts.append(self._put(image, tag))
        return total(digest, parts)

    def _is(self, target: str, digest: str) -> bool:
        there = self._resolve(target, self._push)
        return there is not None and there.digest == digest

    def _send_blobs(self, blobs: list[Layer], name: str, progress: Progress) -> list[Written]:
        size = sum(blob.descriptor.size for blob in blobs)
        with progress.task(f"push {name[:40]}", size) as task:
            return send_all(blobs, lambda layer, stop: self._send(layer, task, stop))

    def send_blob(self, layer: Layer, progress: Progress = SILENT) -> Written:
        """Send one layer ahead of its image.

        Raises:
            StoreError, AuthError, RateLimited: the registry does not take it.
        """
        title = f"push {layer.descriptor.digest[7:19]}"
        with progress.task(title, layer.descriptor.size) as task:
            return self._send(layer, task, Stop())

    def _send(self, layer: Layer, task: Task, stop: Stop) -> Written:
        meter = Meter(task, stop)
        written = self._once.send(layer, lambda: self._send_new(layer, meter))
        meter.reach(layer.descriptor.size)
        return written

    def _send_new(self, layer: Layer, meter: Meter) -> Written:
        digest, size = layer.descriptor.digest, layer.descriptor.size
        upload = BlobUpload(self._endpoint, layer, meter)
        if upload.exists():
            return Written(digest, present_bytes=size)
        if any(upload.mount(name) for name in self._siblings(layer.source)):
            return Written(digest, mounted_bytes=size)
        upload.send()
        return Written(digest, pushed_bytes=size)

    def _siblings(self, source: BlobSource) -> list[str]:
        """Return the repositories of this registry that may have a blob, the likeliest first."""
        names = list(self.mount_from)
        if isinstance(source, RegistryStore) and source.reference.host == self.reference.host:
            names.insert(0, source.reference.name)
        return [name for name in dict.fromkeys(names) if name != self.reference.name]

    def _put(self, image: Image | Index, target: str) -> Written:
        data, what = manifest_of(image), self._named(target)
        answer = self._endpoint.ask(
            "PUT",
            f"manifests/{target}",
            what=what,
            scope=self._push,
            headers={"Content-Type": image.media_type},
            body=data,
        )
        if answer.status not in (200, 201):
            raise self._endpoint.failure(answer, what)
        with answer:
            self._same(
                image.digest, answer.headers.get("Docker-Content-Digest", image.digest), what
            )
        return Written(image.digest, pushed_bytes=len(data))

    def delete(self, tag: str) -> None:
        """Remove a tag and the manifest under it, and so every other tag of that manifest.

        Raises:
            NotFound: there is no such tag.
            StoreError: the registry does not allow deleting.
        """
        what = self._named(tag)
        there = self.resolve(tag)
        if there is None:
            raise NotFound(f"{what}: not there")
        scope = self._endpoint.scope("pull,push,delete")
        answer = self._endpoint.ask("DELETE", f"manifests/{there.digest}", what=what, scope=scope)
        if answer.status == 405:
            answer.close()
            raise StoreError(f"{what}: this registry does not allow deleting")
        if answer.status not in (200, 202, 404):
            raise self._endpoint.failure(answer, what)
        answer.close()
        self._once.forget()

    def close(self) -> None:
        """Close all connections."""
        self._endpoint.close()

    # small answers

    def _named(self, target: str) -> str:
        return f"{self._endpoint.where}{'@' if ':' in target else ':'}{target}"

    def _manifest(self, target: str) -> tuple[bytes, str]:
        """Return a manifest's bytes and media type."""
        what = self._named(target)
        data, answer = self._fetch(f"manifests/{target}", what)
        digest = digest_of(data)
        self._same(answer.headers.get("Docker-Content-Digest", digest), digest, what)
        self._same(target, digest, what)
        media_type = _media_type(answer)
        if media_type.startswith(_SCHEMA_1):
            raise Unsupported(
                f"{what} is a schema 1 manifest, which registries gave up in 2017",
                hint="Pull and push it again with a current client.",
            )
        if media_type not in (*MANIFEST_TYPES, *INDEX_TYPES):
            media_type = str(load_object(data, f"manifest of {what}").get("mediaType", ""))
        if media_type not in (*MANIFEST_TYPES, *INDEX_TYPES):
            raise BadImage(f"{what} is {media_type[:80] or 'of no known type'}, not an image")
        return data, media_type

    def _config(self, descriptor: Descriptor) -> bytes:
        if descriptor.size > MAX_CONFIG_BYTES:
            raise BadImage(f"a config of {descriptor.size} bytes is no image config")
        with self.open_blob(descriptor) as stream:
            return stream.read()

    def _same(self, expected: str, digest: str, what: str) -> None:
        """Compare digests; a tag is equal to any."""
        if ":" in expected and expected != digest:
            raise DigestMismatch(f"{what}: the registry has {digest}, not {expected}")

    def _fetch(self, path: str, what: str) -> tuple[bytes, Answer]:
        """GET a small body, again when it breaks in the middle."""
        for attempt in range(ATTEMPTS):
            answer = self._endpoint.ask("GET", path, what=what, headers=_ACCEPT)
            if answer.status != 200:
                raise self._endpoint.failure(answer, what)
            try:
                with answer:
                    return answer.body(MAX_MANIFEST_BYTES), answer
            except TooLong as error:
                raise BadImage(error.message) from error
            except FetchError as error:
                failure = error
            time.sleep(pause(attempt))
        raise StoreError(failure.message) from failure


def _media_type(answer: Answer) -> str:
    return answer.headers.get("Content-Type", "").partition(";")[0].strip()
