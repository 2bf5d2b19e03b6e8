"""Images in a Docker Engine, through its SDK; ``DOCKER_HOST`` is honoured.

An engine names an image by the digest of its config (the image id) and keeps layers unpacked: what
is read has *uncompressed* layers, so its content size is its disk size, and a manifest of our own
making (see :mod:`kfslim.oci.archive`).  Reading spools ``docker save`` into an unnamed temporary
file; asking whether an image is there reads nothing.
"""

from __future__ import annotations

import json
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from kfslim.canonical import canonical_json
from kfslim.errors import BadReference, DigestMismatch, NotFound, StoreError
from kfslim.files import disk_errors
from kfslim.oci.archive import SavedImages
from kfslim.oci.digest import VerifyingReader
from kfslim.oci.image import DOCKER_CONFIG, Descriptor, Image, Index, Layer, Platform
from kfslim.oci.reference import Reference, parse_reference
from kfslim.oci.select import read_image
from kfslim.oci.sending import blob_bytes
from kfslim.oci.store import Written
from kfslim.progress import SILENT, Progress, Task

_BLOCK = 512
_TIMEOUT = 600  # seconds: loading a large image answers late
_START_HINT = "Start it, or point DOCKER_HOST at one."


class EngineStore:
    """One name in an engine: ``docker-daemon:NAME[:TAG]``.

    ``client`` is a ``docker.DockerClient``; by default the one that the environment names.
    """

    def __init__(self, reference: Reference, client: Any | None = None) -> None:
        self.reference = reference
        self._given = client
        self._made: Any | None = None
        self._saved: dict[str, SavedImages] = {}  # by image id
        self._read: dict[str, SavedImages] = {}  # by blob digest
        self._files: list[BinaryIO] = []

    def _api(self) -> Any:
        """Return the SDK's low-level client."""
        if self._given is not None:
            return self._given.api
        if self._made is None:
            import docker

            with engine_errors("connecting"):
                self._made = docker.from_env(timeout=_TIMEOUT)
        return self._made.api

    # reading

    def resolve(self, target: str | None = None) -> Descriptor | None:
        """Return the image id under a tag, image id or repository digest, None if absent.

        The descriptor is the *config's*, of unknown size (0): an engine knows no manifest digest.
        """
        image_id = self._image_id(target)
        return Descriptor(DOCKER_CONFIG, image_id, 0) if image_id else None

    def _image_id(self, target: str | None) -> str | None:
        target = target or self.reference.target
        repository = self.reference.repository
        digest = target.startswith("sha256:")
        names = [f"{repository}@{target}", target] if digest else [f"{repository}:{target}"]
        for name in names:
            try:
                with engine_errors(f"image {name}"):
                    return str(self._api().inspect_image(name)["Id"])
            except NotFound:
                continue
        return None

    def read_index(self, target: str | None = None) -> Image | Index:
        """Read one image; an engine holds no index.

        A digest may also be the one that an image read from here has.

        Raises:
            NotFound: nothing under this name.
            StoreError: the engine does not answer.
            DiskError: no room to spool the image.
        """
        wanted = target or self.reference.target
        image_id = self._image_id(wanted)
        if image_id is None and wanted.startswith("sha256:") and self.reference.tag:
            image_id = self._image_id(self.reference.tag)
            found = self._load(image_id) if image_id else None
            if found and found.digest == wanted:
                return found
            image_id = None
        if image_id is None:
            raise NotFound(f"the Docker Engine has no image {self._named(wanted)}")
        return self._load(image_id)

    def _named(self, target: str) -> str:
        return f"{self.reference.repository}{'@' if ':' in target else ':'}{target}"

    def _load(self, image_id: str) -> Image | Index:
        saved = self._saved.get(image_id) or self._spool(image_id)
        image = saved.find(None)
        if isinstance(image, Image):
            if image_id not in (image.digest, image.config_descriptor.digest):
                raise DigestMismatch(f"the Docker Engine gave another image than {image_id}")
            self._read.update((layer.descriptor.digest, saved) for layer in image.layers)
        return image

    def _spool(self, image_id: str) -> SavedImages:
        with disk_errors("spooling an image of the Docker Engine"):
            file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - lives as long as we
        self._files.append(file)
        with engine_errors(f"image {image_id[:19]}"):
            for chunk in self._api().get_image(image_id):
                with disk_errors("spooling an image of the Docker Engine"):
                    file.write(chunk)
        with disk_errors("spooling an image of the Docker Engine"):
            file.flush()
        self._saved[image_id] = SavedImages(file, "the Docker Engine")
        return self._saved[image_id]

    def read(self, target: str | None = None, platform: Platform | None = None) -> Image:
        """Read one image.

        Raises:
            As :meth:`read_index`; BadImage also when nothing is for the platform.
        """
        return read_image(self, target, platform)

    def open_blob(self, descriptor: Descriptor) -> VerifyingReader:
        """Open a blob of an image that was read.

        Raises:
            NotFound: no image that was read has it.
        """
        saved = self._read.get(descriptor.digest)
        if saved is None:
            raise NotFound(f"no image read from the Docker Engine has blob {descriptor.digest}")
        return saved.open_blob(descriptor)

    def check_push(self) -> None:
        """An engine that answers takes images."""

    def tags(self) -> list[str]:
        """Return all tags of this name, sorted."""
        with engine_errors("the images"):
            images = self._api().images()
        names = [name for image in images for name in image.get("RepoTags") or []]
        return sorted({tag for name in names if (tag := self._tag_of(name))})

    def _tag_of(self, name: str) -> str | None:
        try:
            parsed = parse_reference(f"docker-daemon:{name}")
        except BadReference:  # "<none>:<none>"
            return None
        return parsed.tag if parsed.repository == self.reference.repository else None

    # writing

    def write(
        self, image: Image | Index, tag: str | None = None, progress: Progress = SILENT
    ) -> Written:
        """Load an image; of an index the one for the engine's own platform.

        Docker Engine before 23 cannot load zstd layers.

        Raises:
            StoreError: the engine does not answer or does not take it.
            BadImage: an index has nothing for the engine's platform.
        """
        one = self._fitting(image)
        names = (one.config_descriptor.digest, one.digest)
        if self._image_id(tag or names[0]) in names:
            return Written(image.digest, present_bytes=blob_bytes(one))
        what = f"load {self._named(tag or one.digest)}"
        with progress.task(what[:60], one.content_bytes) as task, engine_errors(what):
            self._check(self._api().load_image(self._archive(one, tag, task)))
        return Written(image.digest, blob_bytes(one) + len(one.manifest_bytes))

    def _fitting(self, image: Image | Index) -> Image:
        if isinstance(image, Image):
            return image
        with engine_errors("Docker Engine"):
            version = self._api().version()
        chosen = image.choose(Platform(version["Os"], version["Arch"])).digest
        return next(one for one in image.images if one.digest == chosen)

    def _archive(self, image: Image, tag: str | None, task: Task) -> Iterator[bytes]:
        """Yield the image as a ``docker save`` archive."""
        config = image.config_descriptor.digest.removeprefix("sha256:") + ".json"
        layers = [
            f"{layer.descriptor.digest.removeprefix('sha256:')}.tar" for layer in image.layers
        ]
        yield from _member(config, len(image.config_bytes), iter([image.config_bytes]))
        for name, layer in dict(zip(layers, image.layers, strict=True)).items():
            yield from _member(name, layer.descriptor.size, _told(layer, task))
        entry = {
            "Config": config,
            "RepoTags": [f"{self.reference.repository}:{tag}"] if tag else None,
            "Layers": layers,
        }
        manifest = canonical_json([entry])
        yield from _member("manifest.json", len(manifest), iter([manifest]))
        yield bytes(2 * _BLOCK)

    def _check(self, answers: Iterator[dict[str, Any]]) -> None:
        """Read the engine's answers to the end; errors are among them."""
        for answer in answers:
            if error := answer.get("error"):
                raise StoreError(f"the Docker Engine does not take the image: {error}")

    def send_blob(self, layer: Layer, progress: Progress = SILENT) -> Written:
        """Do nothing: an engine takes layers only together with their image."""
        return Written(layer.descriptor.digest)

    def delete(self, tag: str) -> None:
        """Remove a tag, and the image if that was its last.

        Raises:
            NotFound: there is no such tag.
            StoreError: a container uses the image.
        """
        name = f"{self.reference.repository}:{tag}"
        with engine_errors(f"image {name}"):
            self._api().remove_image(name)

    def close(self) -> None:
        """Close what we opened; images read from here can no longer be opened."""
        if self._made is not None:
            self._made.close()
            self._made = None
        for file in self._files:
            file.close()
        self._files, self._saved, self._read = [], {}, {}


def _told(layer: Layer, task: Task) -> Iterator[bytes]:
    with layer.open() as stream:
        for chunk in stream.chunks():
            yield chunk
            task.advance(len(chunk))


def _member(name: str, size: int, chunks: Iterator[bytes]) -> Iterator[bytes]:
    info = tarfile.TarInfo(name)
    info.size = size
    yield info.tobuf(tarfile.GNU_FORMAT)
    yield from chunks
    yield bytes(-size % _BLOCK)


@contextmanager
def engine_errors(what: str) -> Iterator[None]:
    """Translate the SDK's exceptions (those of its HTTP library are ``OSError``)."""
    import docker

    try:
        yield
    except docker.errors.NotFound as error:
        raise NotFound(f"{what}: the Docker Engine does not have it") from error
    except docker.errors.APIError as error:
        said = str(error.explanation or error)[:300]
        raise StoreError(f"{what}: the Docker Engine answered: {said}") from error
    except docker.errors.InvalidVersion as error:
        message = f"{what}: the Docker Engine is too old: {error}"
        raise StoreError(message, hint="Docker 19.03 and later will do.") from error
    except (docker.errors.DockerException, OSError, json.JSONDecodeError) as error:
        message = f"{what}: the Docker Engine does not answer"
        raise StoreError(message, hint=_START_HINT) from error
