"""Files out of an image, without an engine and without trusting it.

:func:`extract` decides everything from the final tree, in memory, and only then writes:
real folders first, then files into them, symlinks last.  Nothing is written through a symlink of
the image, so none can lead out of the folder; a link's text may point anywhere, as in the image.
"""

from __future__ import annotations

import os
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import BinaryIO

from kfslim.errors import DiskError
from kfslim.files import disk_errors
from kfslim.oci.image import Image
from kfslim.oci.scan import Kept, OpenSink, Wanted, copy_files, nothing, scan_image, visible
from kfslim.oci.tree import Tree
from kfslim.progress import SILENT, Progress


def final_tree(image: Image, progress: Progress = SILENT) -> Tree:
    """Return what a container of ``image`` sees: paths, symlinks, sizes.  Every layer is read once.

    Raises:
        BadImage, DigestMismatch: see :func:`kfslim.oci.scan.scan_layer`.
    """
    return _merged(image, nothing, progress)[0]


def read_files(image: Image, wanted: Wanted, progress: Progress = SILENT) -> dict[str, bytes]:
    """Return the payload of the visible regular files that ``wanted`` names, by real path.

    For small files: see ``MAX_KEPT_FILE`` and ``MAX_KEPT_TOTAL`` of :mod:`kfslim.oci.scan`.
    ``wanted`` is asked for paths as the layers spell them, which on a base with ``/lib -> usr/lib``
    may be either spelling.  Every layer is read once.

    Raises:
        BadImage, DigestMismatch: see :func:`kfslim.oci.scan.scan_layer`.
    """
    tree, kept = _merged(image, wanted, progress)
    return visible(tree, kept)


def _merged(image: Image, wanted: Wanted, progress: Progress) -> tuple[Tree, dict[int, Kept]]:
    tree, kept = Tree(), dict[int, Kept]()
    for scan in scan_image(image, wanted, progress):
        first = len(tree.sizes)
        tree.apply(scan.entries)
        kept.update({first + number: data for number, data in scan.kept.items()})
    return tree, kept


def extract(
    image: Image,
    wanted: Wanted,
    folder: Path,
    progress: Progress = SILENT,
    tree: Tree | None = None,
) -> tuple[str, ...]:
    """Write the files and symlinks that ``wanted`` names below ``folder``; return their paths.

    ``wanted`` is asked for real paths of the final tree (``usr/lib/x``, not ``lib/x`` where ``lib``
    is a symlink).  ``folder`` must be empty or absent; on an error the caller removes it.  Layers
    are read once for the tree (unless ``tree`` is given), and those that hold wanted files again.
    Owners are not set; modes are, without setuid and setgid bits; devices are left out.

    Raises:
        BadImage, DigestMismatch: the image is malformed or hostile.
        DiskError: the folder cannot be written.
    """
    tree = tree or final_tree(image, progress)
    chosen = [(path, node) for path, node in tree.walk() if node is not None and wanted(path)]
    with disk_errors("extracting an image"):
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise DiskError(f"{folder} is not empty: an image is extracted into a new folder only")
        for parent in sorted({path.rpartition("/")[0] for path, _ in chosen}):
            (folder / parent).mkdir(parents=True, exist_ok=True)
        _write_files(image, tree, {p: n for p, n in chosen if isinstance(n, int)}, folder)
        for path, node in chosen:
            if isinstance(node, str):
                (folder / path).symlink_to(node)
    return tuple(sorted(path for path, _ in chosen))


def _write_files(image: Image, tree: Tree, files: dict[str, int], folder: Path) -> None:
    """Copy files out of their layers; further paths of a hardlink become hardlinks."""
    paths: dict[int, list[str]] = defaultdict(list)
    for path, number in sorted(files.items()):
        paths[number].append(path)
    first = tree.first_numbers
    by_layer: dict[int, dict[int, OpenSink]] = defaultdict(dict)
    for number, (path, *_) in paths.items():
        layer = tree.layers[number]
        by_layer[layer][number - first[layer]] = partial(_create, folder / path)
    for layer, sinks in sorted(by_layer.items()):
        copy_files(image.layers[layer], sinks)
    for path, *others in paths.values():
        for other in others:
            os.link(folder / path, folder / other)


def _create(path: Path, mode: int) -> BinaryIO:
    """Make a new file; one that is there (two names that the file system folds) is an error."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    os.fchmod(handle, mode & 0o777 | 0o600)
    return os.fdopen(handle, "wb")
