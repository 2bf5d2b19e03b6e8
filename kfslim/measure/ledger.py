"""Who owns which file: every file has one owner at most, so that sums agree."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from kfslim.oci.tree import Folder, Tree

UNOWNED = -1


class Ledger:
    """Owners of a tree's files, by the numbers :meth:`owner` gives; first come, first served."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self.owners = array("l", [UNOWNED]) * len(tree.sizes)
        self.disk_bytes: list[int] = []
        self.files: list[int] = []
        self._folders: dict[str, Folder | None] = {}

    def owner(self) -> int:
        """Open an account."""
        self.disk_bytes.append(0)
        self.files.append(0)
        return len(self.files) - 1

    def claim(self, owner: int, paths: Iterable[str]) -> None:
        """Give ``owner`` the files at ``paths`` that are there and nobody's; links do not count."""
        for path in paths:
            self.claim_number(owner, self._number(path))

    def claim_folder(self, owner: int, path: str) -> None:
        """Give ``owner`` all of a folder that is nobody's."""
        for _, node in self._tree.walk(path):
            if isinstance(node, int):
                self.claim_number(owner, node)

    def claim_number(self, owner: int, number: int | None) -> None:
        """Give ``owner`` one file by number."""
        if number is not None and self.owners[number] == UNOWNED:
            self.owners[number] = owner
            self.disk_bytes[owner] += self._tree.sizes[number]
            self.files[owner] += 1

    def owner_of(self, path: str) -> int:
        """Return the owner of the file at ``path``, or ``UNOWNED``."""
        number = self._number(path)
        return UNOWNED if number is None else self.owners[number]

    def _number(self, path: str) -> int | None:
        parent, _, name = path.rpartition("/")
        if parent not in self._folders:
            self._folders[parent] = self._tree.folder(parent)
        folder = self._folders[parent]
        node = folder.get(name) if folder is not None else None
        return node if isinstance(node, int) else None

    def claim_bytecode(self, path: str, number: int) -> None:
        """Give bytecode that nobody lists to the owner of its source.

        Installers that compile after unpacking (dpkg's py3compile, uv) do not record it.
        """
        if self.owners[number] == UNOWNED:
            owner = self.owner_of(source_of(path))
            if owner != UNOWNED:
                self.claim_number(owner, number)


def source_of(bytecode: str) -> str:
    """Return the source path of a ``.pyc``.

    PEP 3147 and 488: ``a/__pycache__/m.cpython-311.pyc``, ``….opt-1.pyc``.  Before the tag the name
    may hold dots.
    """
    folder, _, name = bytecode.rpartition("/")
    if not folder.endswith("__pycache__"):
        return bytecode.removesuffix("c")
    stem, _, last = name.removesuffix(".pyc").rpartition(".")
    if last.startswith("opt-"):
        stem = stem.rpartition(".")[0]
    return f"{folder.removesuffix('__pycache__')}{stem}.py"
