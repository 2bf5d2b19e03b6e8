"""What lies in an image: the merged tree, the small files that describe packages, the layers."""

from __future__ import annotations

import heapq
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from kfslim.errors import BadImage
from kfslim.measure.commands import layer_commands
from kfslim.measure.model import LayerMeasure
from kfslim.oci.image import Image
from kfslim.oci.scan import MAX_KEPT_TOTAL, Kept, LayerScan, scan_image, visible
from kfslim.oci.tarread import Entry
from kfslim.oci.tree import Tree, is_whiteout
from kfslim.progress import SILENT, Progress

_LARGEST = 200  # files of a layer whose paths are remembered, as examples of what is shadowed

_INFO = re.compile(
    r"\.dist-info/(METADATA|RECORD|top_level\.txt|entry_points\.txt|direct_url\.json)$"
    r"|\.egg-info/(PKG-INFO|installed-files\.txt|top_level\.txt|entry_points\.txt|requires\.txt)$"
    r"|\.egg-info$"
    r"|-packages/[^/]+\.pth$"
    r"|(^|/)pyvenv\.cfg$"
    r"|(^|/)include/python3[^/]*/patchlevel\.h$"
    r"|^var/lib/dpkg/(status$|status\.d/|info/[^/]+\.list$)"
    r"|^(usr/)?lib/apk/db/installed$"
    r"|^(etc|usr/lib)/os-release$"
)
_ENDS = (
    *("METADATA", "RECORD", ".txt", ".json", "-INFO", ".egg-info", ".pth", ".cfg", "level.h"),
    *("/status", ".list", "/installed", "/os-release"),
)


def describes_packages(path: str) -> bool:
    """True for the small files that a measurement reads."""
    # the cheap questions first: an image has hundreds of thousands of files
    if not path.endswith(_ENDS) and not path.startswith("var/lib/dpkg/status.d/"):
        return False
    return _INFO.search(path) is not None


@dataclass(slots=True)
class Contents:
    """An image that was read.

    ``texts`` holds the visible describing files by real path; ``files`` of ``tree`` by number.
    ``largest`` are the largest files of every layer, as ``(number, path)``.
    """

    tree: Tree = field(default_factory=Tree)
    texts: dict[str, bytes] = field(default_factory=dict)
    layers: tuple[LayerMeasure, ...] = ()
    largest: list[tuple[int, str]] = field(default_factory=list)
    read_bytes: int = 0

    def text(self, path: str) -> str | None:
        """Return a describing file as text, or None."""
        data = self.texts.get(path)
        return None if data is None else data.decode("utf-8", "replace")


def read_contents(image: Image, progress: Progress = SILENT, title: str = "") -> Contents:
    """Read all layers of ``image``.

    Raises:
        BadImage, DigestMismatch: see :func:`kfslim.oci.scan.scan_layer`.
    """
    contents, kept, scans = Contents(), dict[int, Kept](), []
    for scan in scan_image(image, describes_packages, progress, title):
        first = len(contents.tree.sizes)
        contents.tree.apply(scan.entries)
        kept.update((first + number, data) for number, data in scan.kept.items())
        if sum(len(data) for _, data in kept.values()) > MAX_KEPT_TOTAL:
            raise BadImage(f"the image has over {MAX_KEPT_TOTAL} bytes of package metadata")
        contents.largest += _largest(first, scan.entries)
        contents.read_bytes += scan.read_bytes
        scan.entries.clear()
        scans.append(scan)
    contents.layers = _layers(image, scans)
    contents.texts = visible(contents.tree, kept)
    return contents


def _largest(first: int, entries: Sequence[Entry]) -> list[tuple[int, str]]:
    files = (e for e in entries if e.kind == "file" and not is_whiteout(e.path))
    best = heapq.nlargest(_LARGEST, enumerate(files, first), key=lambda item: item[1].size)
    return [(number, entry.path) for number, entry in best]


def _layers(image: Image, scans: Sequence[LayerScan]) -> tuple[LayerMeasure, ...]:
    commands = layer_commands(image.config, len(image.layers))
    return tuple(
        LayerMeasure(
            digest=layer.descriptor.digest,
            content_bytes=layer.descriptor.size,
            disk_bytes=scan.disk_bytes,
            files=scan.files,
            command=command,
        )
        for layer, scan, command in zip(image.layers, scans, commands, strict=True)
    )
