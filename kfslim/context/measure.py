"""Measuring a build context: what is sent, the largest of it, secrets, and what no image needs."""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from kfslim.context.folder import Folder
from kfslim.context.ignore import DockerIgnore
from kfslim.context.kinds import Sort, Wholes, sort_file
from kfslim.context.largest import Largest
from kfslim.context.leaks import leak_at, shown
from kfslim.context.model import ContextMeasure, Leak, Sent, Waste
from kfslim.context.stream import END, Stream
from kfslim.context.walk import Entry, walk
from kfslim.progress import Task

_STEP = 500  # entries between two looks at the progress


def measure_folder(
    context: Folder, name: str, task: Task, copied: Collection[str] = ()
) -> ContextMeasure:
    """Measure an opened context, with its ignore file and without.

    ``name`` is what the context is called in the result.  ``copied`` are the paths that the
    Dockerfile copies by name: data, models and archives there are meant to be in the image.

    Raises:
        InputError: something that would be sent cannot be read.
    """
    root, dialect = context.root, context.dialect
    content = _Content(root, copied)
    for entry in _counted(walk(root, context.ignore, dialect), task):
        content.add(entry)
    sent = without = content.tally.result()
    if context.ignore_file:
        everything = _Tally()
        for entry in _counted(walk(root, DockerIgnore(), dialect, tolerant=True), task):
            everything.add(entry)
        without = everything.result()
    return ContextMeasure(
        folder=name,
        dockerfile=shown(context.inside or str(context.dockerfile or "")),
        ignore_file=context.ignore_file.name if context.ignore_file else "",
        dialect=dialect,
        sent=sent,
        without=without,
        largest_files=content.largest.files(),
        largest_folders=content.largest.folders(),
        leaks=tuple(content.leaks),
        waste=content.waste(),
    )


def _counted(entries: Iterable[Entry], task: Task) -> Iterator[Entry]:
    count = 0
    for count, entry in enumerate(entries, 1):
        yield entry
        if count % _STEP == 0:
            task.advance(_STEP)
    task.advance(count % _STEP)


class _Tally:
    """Adds up what is sent."""

    def __init__(self) -> None:
        self._stream = Stream()
        self._counts = Counter({"stream_bytes": END})
        self._modes: Counter[str] = Counter()

    def add(self, entry: Entry) -> int:
        """Count an entry; return the bytes of its data."""
        streamed, data = self._stream.add(entry)
        if not streamed:
            return 0
        self._counts["stream_bytes"] += streamed
        self._counts["file_bytes"] += data
        self._counts[_sort_of(entry)] += 1
        if entry.is_file:
            self._modes[f"{stat.S_IMODE(entry.stat.st_mode):04o}"] += 1
        return data

    def result(self) -> Sent:
        return Sent(**self._counts, modes=dict(sorted(self._modes.items())))


def _sort_of(entry: Entry) -> str:
    mode = entry.stat.st_mode
    if stat.S_ISLNK(mode):
        return "symlinks"
    return "files" if entry.is_file else "folders" if entry.is_folder else "others"


class _Wasted(NamedTuple):
    sort: Sort
    sizes: list[int]
    example: str


class _Content:
    """Learns what a context holds from entries in the order of the walk."""

    def __init__(self, root: Path, copied: Collection[str]) -> None:
        self.tally, self.largest = _Tally(), Largest()
        self.leaks: list[Leak] = []
        self._root, self._copied, self._wholes = root, copied, Wholes(root)
        self._wasted: dict[tuple[str, str], _Wasted] = {}

    def add(self, entry: Entry) -> None:
        data = self.tally.add(entry)
        whole = self._wholes.sort(entry)
        if not entry.is_file:
            return
        self.largest.add(entry.path, data, self._wholes.within)
        if leak := leak_at(self._root, entry, whole):
            self.leaks.append(leak)
        elif sort := whole or self._sort(entry):
            key = (sort.kind.code, sort.pattern)
            self._wasted.setdefault(key, _Wasted(sort, [], entry.path)).sizes.append(data)

    def _sort(self, entry: Entry) -> Sort | None:
        sort = sort_file(self._root, entry)
        return None if sort and sort.chosen and self._is_copied(entry.path) else sort

    def _is_copied(self, path: str) -> bool:
        return any(path == one or path.startswith(f"{one}/") for one in self._copied)

    def waste(self) -> tuple[Waste, ...]:
        found = map(_waste, self._wasted.values())
        return tuple(sorted(found, key=lambda waste: (-waste.file_bytes, waste.pattern)))


def _waste(wasted: _Wasted) -> Waste:
    return Waste(
        code=wasted.sort.kind.code,
        kind=wasted.sort.kind.name,
        pattern=wasted.sort.pattern,
        files=len(wasted.sizes),
        file_bytes=sum(wasted.sizes),
        example=shown(wasted.example),
    )
