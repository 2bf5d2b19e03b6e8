"""Layers read once, header by header: what lies in them, and the few small files one asked for.

Layers are read by two threads (decompressing and hashing release the interpreter's lock) and given
out in order; at most two are held at any time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO

from kfslim.errors import BadImage
from kfslim.oci.codec import open_tar
from kfslim.oci.image import Image, Layer
from kfslim.oci.tarread import Entry, TarReader
from kfslim.oci.tree import Tree, is_whiteout
from kfslim.progress import SILENT, Progress, Task

WORKERS = 2
MAX_KEPT_FILE = 16 << 20  # bytes; the largest RECORD and dpkg status seen are under 5 MiB
MAX_KEPT_TOTAL = 64 << 20  # bytes of one layer

Advance = Callable[[int], None] | None
Wanted = Callable[[str], bool]
Kept = tuple[str, bytes]
OpenSink = Callable[[int], BinaryIO]


@dataclass(slots=True)
class LayerScan:
    """One layer's members, in order.

    Regular files are counted from 0, whiteouts not, as :class:`~kfslim.oci.tree.Tree` does:
    ``kept`` holds path and payload by that number.  ``disk_bytes`` is the payload of all files.
    """

    entries: list[Entry] = field(default_factory=list)
    kept: dict[int, Kept] = field(default_factory=dict)
    files: int = 0
    disk_bytes: int = 0
    read_bytes: int = 0


class _Stopped(Exception):
    """Reading goes on in threads when nobody wants the rest any more; this ends it."""


class _Reading:
    """Tells a task of bytes read, until it is stopped."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self.stopped = False

    def advance(self, amount: int) -> None:
        if self.stopped:
            raise _Stopped
        self._task.advance(amount)


@contextmanager
def _naming(layer: Layer) -> Iterator[None]:
    """Say in a :class:`BadImage` which layer it is about."""
    try:
        yield
    except BadImage as error:
        if layer.descriptor.digest in error.message:
            raise
        raise BadImage(f"{error.message} (layer {layer.descriptor.digest})") from error


def nothing(_path: str) -> bool:
    """Want no file."""
    return False


def scan_layer(layer: Layer, wanted: Wanted = nothing, advance: Advance = None) -> LayerScan:
    """Read one layer to its end, its digest checked, and keep the payload of wanted files.

    ``advance`` is told of stored bytes as they are read, from another thread.

    Raises:
        BadImage: malformed, hostile or a bomb; or wanted files beyond ``MAX_KEPT_FILE`` and
            ``MAX_KEPT_TOTAL`` bytes.
        DigestMismatch, and what the layer's source raises.
    """
    scan, kept_bytes = LayerScan(), 0
    with _naming(layer), open_tar(layer, advance=advance) as tar:
        reader, append = TarReader(tar), scan.entries.append
        for entry in reader:
            append(entry)
            if entry.kind != "file" or is_whiteout(entry.path):
                continue
            if wanted(entry.path):
                kept_bytes += entry.size
                if kept_bytes > MAX_KEPT_TOTAL:
                    raise BadImage(f"a layer has over {MAX_KEPT_TOTAL} bytes of package metadata")
                scan.kept[scan.files] = entry.path, reader.payload(MAX_KEPT_FILE)
            scan.files += 1
            scan.disk_bytes += entry.size
        tar.finish()
        scan.read_bytes = tar.read_bytes
    return scan


def scan_layers(
    layers: Sequence[Layer],
    wanted: Wanted = nothing,
    progress: Progress = SILENT,
    title: str = "reading layers",
) -> Iterator[LayerScan]:
    """Yield the scans of ``layers`` in order; see :func:`scan_layer` for what it raises."""
    total = sum(layer.descriptor.size for layer in layers)
    with progress.task(title, total) as task, ThreadPoolExecutor(WORKERS) as pool:
        running: deque[Future[LayerScan]] = deque()
        reading = _Reading(task)
        waiting = iter(layers)
        try:
            while True:
                while len(running) < WORKERS and (layer := next(waiting, None)):
                    running.append(pool.submit(scan_layer, layer, wanted, reading.advance))
                if not running:
                    return
                yield running.popleft().result()
        finally:
            reading.stopped = True
            for future in running:
                future.cancel()


def visible(tree: Tree, kept: Mapping[int, Kept]) -> dict[str, bytes]:
    """Return those kept files (by the tree's numbers) that are visible, under all their paths."""
    found, shown = dict[str, bytes](), dict[int, int]()
    for number, (path, data) in kept.items():
        real = tree.resolve(path)
        if real is not None and tree.get(real) == number:
            found[real] = data
            shown[number] = 1
    linked = {number for number in kept if tree.names[number] > shown.get(number, 0)}
    if linked:  # hardlinks: uv's cache and a site directory hold the same files
        found.update((p, kept[n][1]) for p, n in tree.files() if n in linked)
    return found


def scan_image(
    image: Image, wanted: Wanted = nothing, progress: Progress = SILENT, title: str = ""
) -> Iterator[LayerScan]:
    """Yield the scans of an image's layers in order."""
    return scan_layers(image.layers, wanted, progress, title or "reading layers")


def copy_files(layer: Layer, sinks: dict[int, OpenSink]) -> None:
    """Copy the regular files with the given numbers (as :class:`LayerScan` counts) to sinks.

    Raises:
        BadImage, DigestMismatch: as :func:`scan_layer`, also after all were copied: use what was
            copied only when this returns.
    """
    number = 0
    with _naming(layer), open_tar(layer, prove_tar=True) as tar:
        reader = TarReader(tar)
        for entry in reader:
            if entry.kind != "file" or is_whiteout(entry.path):
                continue
            if number in sinks:
                with sinks[number](entry.mode) as out:
                    for chunk in reader.chunks():
                        out.write(chunk)
            number += 1
        tar.finish()
