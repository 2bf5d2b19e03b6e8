"""Layers and whole images as folders that an overlay can stand on.

A layer of kfslim's own making is written as it is read: it has folders, files and symlinks under
their real paths, and hides nothing.  Whatever else images hold (whiteouts, hardlinks, paths that
lead through a symlink of a lower layer) is merged first, by :mod:`kfslim.oci.extract`.
"""

from __future__ import annotations

import os
from pathlib import Path

from kfslim.errors import BadImage
from kfslim.files import disk_errors
from kfslim.oci.codec import open_tar
from kfslim.oci.extract import extract, final_tree
from kfslim.oci.image import Image, Layer
from kfslim.oci.tarread import Entry, TarReader
from kfslim.oci.tree import Folder, is_whiteout
from kfslim.progress import SILENT, Progress

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


def unpack_image(image: Image, folder: Path, owner: int, progress: Progress = SILENT) -> None:
    """Write all that a container of ``image`` sees to ``folder``, empty folders included.

    Everything belongs to the user (and group) ``owner``; devices are left out.

    Raises:
        BadImage, DigestMismatch: the image is malformed or hostile.
        DiskError: the folder cannot be written.
    """
    tree = final_tree(image, progress)
    extract(image, lambda path: True, folder, progress, tree)
    with disk_errors("extracting an image"):
        _make_folders(tree.root, folder)
        give_to(folder, owner)


def _make_folders(tree: Folder, at: Path) -> None:
    stack = [(tree, at)]
    while stack:
        node, path = stack.pop()
        path.mkdir(parents=True, exist_ok=True)
        stack.extend((n, path / name) for name, n in node.items() if isinstance(n, Folder))


def give_to(folder: Path, owner: int) -> None:
    """Give all below ``folder``, and itself, to the user and group ``owner``, if they are not us.

    Raises:
        OSError: that is not allowed.
    """
    if owner == os.geteuid():
        return
    for parent, folders, files in os.walk(folder):
        for name in (".", *folders, *files):
            os.chown(os.path.join(parent, name), owner, owner, follow_symlinks=False)


def unpack_layer(layer: Layer, folder: Path, owner: int) -> None:
    """Write one layer to ``folder``, which is made; everything belongs to ``owner``.

    Raises:
        BadImage: the layer is malformed, or holds more than folders, files and symlinks under
            paths of its own.
        DigestMismatch: it is not what its digest promises.
        DiskError: the folder cannot be written.
    """
    with disk_errors("extracting a layer"):
        folder.mkdir(parents=True)
        writer = _Writer(str(folder), owner)
        with open_tar(layer, prove_tar=True) as tar:
            reader = TarReader(tar)
            for entry in reader:
                writer.write(entry, reader)
            tar.finish()


class _Writer:
    """Writes members below a new folder, through nothing but folders that it made itself."""

    def __init__(self, root: str, owner: int) -> None:
        self._root = root
        self._made = {""}
        self._owner = None if owner == os.geteuid() else owner
        self._own(root)

    def write(self, entry: Entry, reader: TarReader) -> None:
        """Write one member.

        Raises:
            BadImage: it is no member of a layer that stands alone.
        """
        try:
            self._write(entry, reader)
        except FileExistsError as error:
            raise BadImage(f"a layer holds {entry.path[:200]!r} twice") from error

    def _write(self, entry: Entry, reader: TarReader) -> None:
        path = f"{self._root}/{entry.path}"
        if entry.kind == "folder":
            return self._folder(entry.path)
        if is_whiteout(entry.path) or entry.kind in ("hardlink", "other"):
            raise BadImage(f"a layer of kfslim's own holds no {entry.kind} {entry.path[:200]!r}")
        self._folder(entry.path.rpartition("/")[0])
        if entry.kind == "symlink":
            os.symlink(entry.link, path)
        else:
            self._file(path, entry.mode, reader)
        self._own(path)
        return None

    def _file(self, path: str, mode: int, reader: TarReader) -> None:
        handle = os.open(path, _NEW, 0o600)
        try:
            for chunk in reader.chunks():
                view = memoryview(chunk)
                while view:
                    view = view[os.write(handle, view) :]
            os.fchmod(handle, mode & 0o777 | 0o600)
        finally:
            os.close(handle)

    def _folder(self, path: str) -> None:
        """Make a folder and those above it; what is there and is not of our making stops it."""
        if path in self._made:
            return
        self._folder(path.rpartition("/")[0])
        os.mkdir(f"{self._root}/{path}", 0o755)
        self._made.add(path)
        self._own(f"{self._root}/{path}")

    def _own(self, path: str) -> None:
        if self._owner is not None:
            os.chown(path, self._owner, self._owner, follow_symlinks=False)
