"""The largest files and folders of a context."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from kfslim.context.leaks import shown
from kfslim.context.model import Sized

LARGEST = 10
_MORE = 0.98  # a folder is told if no folder in it holds as much of its bytes


class Largest:
    """Learns the sizes of files, and of the folders they lie in."""

    def __init__(self) -> None:
        self._files: list[tuple[int, str]] = []
        self._folders: dict[str, list[int]] = defaultdict(lambda: [0, 0])  # bytes, files

    def add(self, path: str, size: int, within: str) -> None:
        """Count a file of ``size`` bytes; folders inside of ``within`` (with its slash) do not."""
        self._files.append((size, path))
        for folder in _folders_of(path):
            if not (within and folder.startswith(within)):
                self._folders[folder][0] += size
                self._folders[folder][1] += 1

    def files(self) -> tuple[Sized, ...]:
        """Return the largest files that are not empty."""
        ordered = sorted(self._files, key=lambda one: (-one[0], one[1]))[:LARGEST]
        return tuple(Sized(path=shown(path), file_bytes=size) for size, path in ordered if size)

    def folders(self) -> tuple[Sized, ...]:
        """Return the largest folders; of those that hold nearly the same only the innermost."""
        heaviest: Counter[str] = Counter()
        for path, (size, _) in self._folders.items():
            above = path.rpartition("/")[0]
            heaviest[above] = max(heaviest[above], size)
        sizes = [(size, path) for path, (size, _) in self._folders.items()]
        told = [(-size, path) for size, path in sizes if _MORE * size > heaviest[path]]
        return tuple(
            Sized(path=shown(path), file_bytes=-size, files=self._folders[path][1])
            for size, path in sorted(told)[:LARGEST]
        )


def _folders_of(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path
