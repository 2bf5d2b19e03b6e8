"""What a container of an image sees, flattened with tarfile alone: an independent judge."""

from __future__ import annotations

import hashlib
import tarfile
from typing import NamedTuple

import zstandard

from kfslim.oci.image import Image, Layer


class Node(NamedTuple):
    """One path: its kind, permissions, owners, where it links to, and the hash of its bytes."""

    kind: str
    mode: str
    owner: tuple[int, int]
    link: str = ""
    sha256: str = ""


def flatten(image: Image) -> dict[str, Node]:
    """Return path -> node of the root filesystem; hard links are files of their own."""
    root: dict[str, Node] = {}
    for layer in image.layers:
        for path, node in _entries(layer, root):
            folder, _, name = path.rpartition("/")
            if name == ".wh..wh..opq":
                _remove(root, folder, keep=True)
            elif name.startswith(".wh."):
                _remove(root, f"{folder}/{name[4:]}".lstrip("/"))
            else:
                if path in root and not (root[path].kind == node.kind == "folder"):
                    _remove(root, path)
                root[path] = node
    return root


def _remove(root: dict[str, Node], path: str, keep: bool = False) -> None:
    for other in [p for p in root if p.startswith(f"{path}/") or (p == path and not keep)]:
        del root[other]


def _entries(layer: Layer, below: dict[str, Node]) -> list[tuple[str, Node]]:
    found: dict[str, Node] = {}
    with layer.open() as stream:
        if layer.descriptor.media_type.endswith("zstd"):
            opened = tarfile.open(fileobj=zstandard.open(stream), mode="r|")  # noqa: SIM115
        else:
            opened = tarfile.open(fileobj=stream, mode="r|*")  # noqa: SIM115
        with opened as archive:
            for member in archive:
                path = member.name.removeprefix("./").strip("/")
                if path not in ("", "."):
                    found[path] = _node(
                        archive, member, {**below, **found} if member.islnk() else {}
                    )
    return list(found.items())


def _node(archive: tarfile.TarFile, member: tarfile.TarInfo, known: dict[str, Node]) -> Node:
    if member.islnk():
        return known[member.linkname.removeprefix("./").strip("/")]
    mode, owner = f"{member.mode & 0o7777:04o}", (member.uid, member.gid)
    if member.isdir():
        return Node("folder", mode, owner)
    if member.issym():
        return Node("link", "", owner, member.linkname)
    if member.isreg():
        file = archive.extractfile(member)
        return Node("file", mode, owner, "", hashlib.sha256(file.read()).hexdigest())
    return Node(f"type {member.type!r}", mode, owner)
