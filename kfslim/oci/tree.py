"""The union of an image's layers: what a container sees, and what lies hidden beneath.

Rules: OCI image-spec, layer.md ("Applying Changesets", "Whiteouts"), and what Docker and containerd
do where it is silent: a file, link or device replaces what was there with all below it; a folder
over a folder merges; a parent that is a symlink is followed inside the image (usr-merge);
whiteouts hide only what lower layers brought, wherever they stand in their layer.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import Union

from kfslim.errors import BadImage
from kfslim.oci.tarread import Entry

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
MAX_HOPS = 40  # symlinks followed in one path, as Linux does (MAXSYMLINKS)


def is_whiteout(path: str) -> bool:
    """True for a member that hides something and is no file itself."""
    return WHITEOUT in path and path.rpartition("/")[2].startswith(WHITEOUT)


class Folder(dict[str, "Node"]):
    """A folder: names to nodes."""

    __slots__ = ()


# A node is a folder, the number of a regular file, the target of a symlink, or None (a device).
Node = Union[Folder, int, str, None]  # noqa: UP007 - a forward reference, evaluated on 3.10


class Tree:
    """The merged tree, built layer by layer with :meth:`apply`.

    Every regular file of every layer has a number, counted through all layers in order.  By
    number: ``sizes`` (payload bytes), ``layers`` (index of its layer), ``names`` (how many paths
    show it; 0: shadowed, replaced or deleted by a later entry).  ``first_numbers`` is by layer.
    """

    def __init__(self) -> None:
        self.root = Folder()
        self.sizes = array("Q")
        self.layers = array("L")
        self.names = array("L")
        self.first_numbers: list[int] = []
        self._parents: dict[str, Folder] = {}  # of the paths met so far; emptied when one may move

    def apply(self, entries: Iterable[Entry]) -> None:
        """Put one layer on top.  ``entries`` is iterated twice."""
        self.first_numbers.append(len(self.sizes))
        whiteouts = [entry.path for entry in entries if is_whiteout(entry.path)]
        for path in whiteouts:
            self._hide(path)
        for entry in entries:
            if not whiteouts or not is_whiteout(entry.path):
                self._place(entry)

    def get(self, path: str) -> Node:
        """Return the node at ``path``, parents' symlinks followed; None if there is nothing."""
        folder, _, name = path.strip("/").rpartition("/")
        if not name:
            return self.root
        parent = self._walk(folder)
        return parent[-1][1].get(name) if parent else None

    def resolve(self, path: str) -> str | None:
        """Return the real path (no leading slash) of what ``path`` leads to, or None."""
        for _ in range(MAX_HOPS):
            folder, _, name = path.strip("/").rpartition("/")
            trail = self._walk(path if name in ("", ".", "..") else folder)
            if trail is None:
                return None
            real = "/".join(name for name, _ in trail[1:])
            if name in ("", ".", ".."):
                return real
            node = trail[-1][1].get(name)
            if not isinstance(node, str):
                return None if node is None else f"{real}/{name}".lstrip("/")
            path = node if node.startswith("/") else f"{real}/{node}"
        return None

    def file(self, path: str) -> int | None:
        """Return the number of the regular file that ``path`` leads to, symlinks followed."""
        node = self.get(path)
        if isinstance(node, str):
            real = self.resolve(path)
            node = self.get(real) if real else None
        return node if isinstance(node, int) else None

    def folder(self, path: str) -> Folder | None:
        """Return the folder that ``path`` leads to, symlinks followed."""
        trail = self._walk(path)
        return trail[-1][1] if trail else None

    def walk(self, top: str = "") -> Iterator[tuple[str, Node]]:
        """Yield ``(path, node)`` of everything below ``top`` that is no folder itself."""
        start = self.folder(top)
        stack = [(f"{top}/" if top else "", start)] if start is not None else []
        while stack:
            prefix, folder = stack.pop()
            for name, node in folder.items():
                if isinstance(node, Folder):
                    stack.append((f"{prefix}{name}/", node))
                else:
                    yield prefix + name, node

    def files(self) -> Iterator[tuple[str, int]]:
        """Yield ``(path, number)`` of every visible regular file; hardlinks repeat the number."""
        for path, node in self.walk():
            if isinstance(node, int):
                yield path, node

    def _walk(self, path: str, create: bool = False) -> list[tuple[str, Folder]] | None:
        """Return the trail of folders that ``path`` leads through; None if it ends nowhere.

        ``create`` makes missing folders, and replaces what is in the way.

        Raises:
            BadImage: symlinks go round in circles.
        """
        trail, pending, hops = [("", self.root)], path.split("/")[::-1], 0
        while pending:
            name = pending.pop()
            if name == "..":
                del trail[max(1, len(trail) - 1) :]
                continue
            if name in ("", "."):
                continue
            node = trail[-1][1].get(name)
            if isinstance(node, str):
                hops += 1
                if hops > MAX_HOPS:
                    if create:
                        raise BadImage(f"the symlinks of {path[:200]!r} go round in circles")
                    return None
                _follow(node, trail, pending)
                continue
            if not isinstance(node, Folder):
                if not create:
                    return None
                self._drop(node)
                node = trail[-1][1][name] = Folder()
            trail.append((name, node))
        return trail

    def _parent(self, path: str) -> Folder:
        """Return the folder at ``path``, made if it is missing."""
        known = self._parents.get(path)
        if known is None:
            trail = self._walk(path, create=True)
            known = self._parents[path] = trail[-1][1] if trail else self.root
        return known

    def _hide(self, path: str) -> None:
        """Apply one whiteout of a layer whose own entries are not placed yet."""
        folder_path, _, name = path.rpartition("/")
        trail = self._walk(folder_path)
        if not trail:
            return
        folder = trail[-1][1]
        if name == OPAQUE:
            for node in folder.values():
                self._drop(node)
            folder.clear()
        else:
            self._drop(folder.pop(name.removeprefix(WHITEOUT), None))

    def _place(self, entry: Entry) -> None:
        parent, _, name = entry.path.rpartition("/")
        known = self._parents.get(parent)
        if entry.kind == "file" and name and known is not None and name not in known:
            known[name] = number = self._number(entry.size)  # most are: the short way
            self.names[number] = 1
            return
        node = self._node(entry)
        if not name or (node is None and entry.kind == "hardlink"):
            return  # the root itself; a hardlink to nothing
        folder = self._parent(parent)
        old = folder.get(name)
        if isinstance(node, Folder) and isinstance(old, Folder):
            return
        if isinstance(node, int):
            self.names[node] += 1
        self._drop(old)
        folder[name] = node

    def _node(self, entry: Entry) -> Node:
        if entry.kind == "file":
            return self._number(entry.size)
        if entry.kind == "folder":
            return Folder()
        if entry.kind == "symlink":
            return entry.link
        target = self.get(entry.link) if entry.kind == "hardlink" else None
        return None if isinstance(target, Folder) else target

    def _number(self, size: int) -> int:
        """Give a new regular file its number."""
        self.sizes.append(size)
        self.layers.append(len(self.first_numbers) - 1)
        self.names.append(0)
        return len(self.sizes) - 1

    def _drop(self, node: Node) -> None:
        """Take one path of a node away, with all below it."""
        if isinstance(node, int):
            self.names[node] -= 1
        elif isinstance(node, str):
            self._parents.clear()
        elif isinstance(node, Folder):
            self._parents.clear()
            stack: list[Node] = list(node.values())
            while stack:
                below = stack.pop()
                if isinstance(below, int):
                    self.names[below] -= 1
                elif isinstance(below, Folder):
                    stack.extend(below.values())


def _follow(target: str, trail: list[tuple[str, Folder]], pending: list[str]) -> None:
    """Continue at a symlink's target: from the root if absolute, else from its own folder."""
    if target.startswith("/"):
        del trail[1:]
    pending.extend(reversed(target.split("/")))
