"""What every store that is written to needs: each blob once, several at a time, stopped as one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait

from kfslim.errors import BadImage, StoreError
from kfslim.oci.image import BytesSource, Image, Index, Layer
from kfslim.oci.store import Written
from kfslim.progress import Task

THREADS = 4


class Once:
    """Lets each blob be sent once, however many threads ask for it at the same time.

    It also remembers the blobs that arrived, so that asking again costs nothing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blobs: dict[str, Future[None]] = {}

    def send(self, layer: Layer, send: Callable[[], Written]) -> Written:
        """Call ``send`` unless the blob has arrived or is on its way; then wait for that.

        When the one on its way fails, this caller tries itself.
        """
        digest = layer.descriptor.digest
        while True:
            with self._lock:
                other = self._blobs.get(digest)
                if other is None:
                    mine = self._blobs[digest] = Future()
                    break
            wait([other])
            if other.exception() is None:
                return Written(digest, present_bytes=layer.descriptor.size)
        try:
            written = send()
        except BaseException as error:
            self.forget(digest)
            mine.set_exception(error)
            raise
        mine.set_result(None)
        return written

    def forget(self, digest: str = "") -> None:
        """Forget one blob, or all."""
        with self._lock:
            if digest:
                self._blobs.pop(digest, None)
            else:
                self._blobs.clear()


class Stop:
    """Tells the threads of one write that another of them failed, or that the user wants out."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Ask all to stop at their next chunk."""
        self._event.set()

    def check(self) -> None:
        """Raise when asked to stop."""
        if self._event.is_set():
            raise Stopped("sending was stopped")


class Stopped(StoreError):
    """Not a failure of its own: somebody else's ended the work."""


def send_all(layers: Iterable[Layer], send: Callable[[Layer, Stop], Written]) -> list[Written]:
    """Send blobs, each digest once, ``THREADS`` at a time, large ones first.

    The first failure (or Ctrl-C) stops the others at their next chunk and is raised.
    """
    distinct = {layer.descriptor.digest: layer for layer in layers}
    largest_first = sorted(distinct.values(), key=lambda x: (-x.descriptor.size, x.diff_id))
    stop, pool = Stop(), ThreadPoolExecutor(THREADS, "send")
    try:
        futures = [pool.submit(send, layer, stop) for layer in largest_first]
        done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        if failure := _first_failure(done):
            raise failure
        return [future.result() for future in futures]
    except BaseException:
        stop.set()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _first_failure(done: Iterable[Future[Written]]) -> BaseException | None:
    """Return what went wrong; that others were stopped by it says nothing."""
    failures = [error for future in done if (error := future.exception())]
    own = [error for error in failures if not isinstance(error, Stopped)]
    return next(iter(own or failures), None)


def images_of(image: Image | Index) -> tuple[Image, ...]:
    """Return the image, or the images that an index carries."""
    return image.images if isinstance(image, Index) else (image,)


def blobs_of(image: Image | Index) -> list[Layer]:
    """Return all layers and configs as things to send."""
    configs = [
        Layer(one.config_descriptor, "", BytesSource(one.config_bytes)) for one in images_of(image)
    ]
    return [*(layer for one in images_of(image) for layer in one.layers), *configs]


def children_of(image: Image | Index) -> tuple[Image, ...]:
    """Return the images that must be there before an index; none for a single image.

    Raises:
        BadImage: the index does not carry them all.
    """
    if isinstance(image, Image):
        return ()
    missing = {d.digest for d in image.manifests} - {one.digest for one in image.images}
    if missing:
        raise BadImage(f"an index can only be written with its images; {min(missing)} is missing")
    return image.images


def blob_bytes(image: Image | Index) -> int:
    """Return the content bytes of all distinct layers and configs."""
    return sum({b.descriptor.digest: b.descriptor.size for b in blobs_of(image)}.values())


def manifest_of(image: Image | Index) -> bytes:
    """Return the bytes of the manifest or index."""
    return image.index_bytes if isinstance(image, Index) else image.manifest_bytes


def total(digest: str, parts: Iterable[Written]) -> Written:
    """Add up what was done, under ``digest``."""
    parts = list(parts)
    return Written(
        digest,
        sum(part.pushed_bytes for part in parts),
        sum(part.mounted_bytes for part in parts),
        sum(part.present_bytes for part in parts),
    )


class Meter:
    """Tells a task how far one blob is, without going back when it is sent again."""

    def __init__(self, task: Task, stop: Stop) -> None:
        self._task, self._stop, self._told = task, stop, 0

    def reach(self, offset: int) -> None:
        """Say that ``offset`` bytes are sent, or need not be."""
        self._stop.check()
        if offset > self._told:
            self._task.advance(offset - self._told)
            self._told = offset

    def follow(self, chunks: Iterator[bytes], offset: int = 0) -> Iterator[bytes]:
        """Pass chunks on, the first of which starts at ``offset``, and tell of each."""
        for chunk in chunks:
            self._stop.check()
            yield chunk
            offset += len(chunk)
            self.reach(offset)
