"""Which modules a source tree answers itself, by the paths of its files.

Python looks into the folder of the script that it runs, and into what is put on its path: mostly
the root or ``src``.  A folder with ``__init__.py`` is a package: its modules are no top-level ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath


class LocalModules:
    """The modules of ``files`` (paths with ``/``, relative to one root)."""

    def __init__(self, files: Iterable[str]) -> None:
        self._inside: dict[str, set[str]] = defaultdict(set)  # folder -> modules in it
        self._packages: set[str] = set()
        self._folders: set[str] = set()
        self._reach: dict[str, frozenset[str]] = {}
        for file in files:
            if file.endswith(".py"):
                self._add(PurePosixPath(file))
        open_folders = self._inside.keys() - self._packages
        #: Top-level modules that an import may mean, from somewhere in the tree.
        self.names = frozenset[str]().union(
            *(self._inside[folder] for folder in open_folders),
            *(self._inside[folder] for folder in self._folders),
        )

    def _add(self, path: PurePosixPath) -> None:
        folder = str(path.parent)
        self._folders.add(folder)
        if path.name == "__init__.py":
            self._packages.add(folder)
        else:
            self._inside[folder].add(path.stem)
        for parent in path.parent.parents:
            self._inside[str(parent)].add(path.relative_to(parent).parts[0])

    def answer(self, module: str, file: str) -> bool:
        """Say whether ``module``, imported by ``file``, is surely one of the tree's own.

        A module beside it in a package is not: ``app/redis.py`` is ``app.redis``, and ``redis`` is
        another.  Nor is a module itself.
        """
        return module.partition(".")[0] in self._in_reach(file.partition(".ipynb#")[0])

    def _in_reach(self, file: str) -> frozenset[str]:
        if file not in self._reach:
            path = PurePosixPath(file)
            folders = [str(folder) for folder in path.parents]
            found = [self._inside.get(one, set()) for one in folders if one not in self._packages]
            beside = str(path.with_suffix("")) in self._inside  # a folder of the same name
            itself = set() if beside else {path.stem}
            self._reach[file] = frozenset[str]().union(*found) - itself
        return self._reach[file]
