"""Which shared objects of distributions nothing is linked to any more when other files go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from kfslim.build.elf import needed
from kfslim.files import disk_errors
from kfslim.lock.tree import Installed, site_packages


class _Object(NamedTuple):
    """A shared object: whose it is, its path below site-packages, and the hash of its bytes."""

    owner: str
    path: str
    sha256: str

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def content(self) -> tuple[str, str]:
        """The folder and the hash: what two names of one object share."""
        return self.path.rpartition("/")[0], self.sha256


def unlinked(
    installed: Sequence[Installed],
    minor: str,
    used: Collection[str],
    gone: Mapping[str, set[str]],
) -> None:
    """Add to ``gone`` (by distribution) the shared objects that go with what goes already.

    A file that cannot be read as ELF may need anything: then nothing is added.

    Raises:
        DiskError: a file cannot be read.
    """
    wanted: dict[str, set[_Object]] = defaultdict(set)  # file name → what is linked to it
    objects = []
    for found, links in _objects(installed, minor).items():
        if links is None:
            return
        objects.append(found)
        for name in links:
            wanted[name].add(found)
    shared = [found for found in objects if not is_extension(found.path)]
    waiting = [o for o in shared if o.path not in used and o.path not in gone[o.owner]]
    known = {found.content for found in shared if found.path in used}  # mapped, or going

    def goes(found: _Object) -> bool:
        linked = wanted[found.name]
        if not linked:  # another name of the same, for compilers; or to be opened by its name
            return found.content in known
        return all(one.path in gone[one.owner] for one in linked)

    while more := [found for found in waiting if goes(found)]:
        for found in more:
            gone[found.owner].add(found.path)
            known.add(found.content)
            waiting.remove(found)


def _objects(installed: Sequence[Installed], minor: str) -> dict[_Object, tuple[str, ...] | None]:
    site = site_packages(minor) + "/"
    found = {}
    with disk_errors("reading shared objects"):
        for one in installed:
            for file in one.files:
                if file.path.startswith(site) and _is_shared(file.path):
                    path = file.path.removeprefix(site)
                    with file.source.open("rb") as stream:
                        links = needed(stream)
                    found[_Object(one.locked.name, path, file.sha256)] = links
    return found


def _is_shared(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.endswith(".so") or ".so." in name


def is_extension(path: str) -> bool:
    """Tell an extension module by its tag from a shared object that something is linked to."""
    return path.endswith(".abi3.so") or (path.endswith(".so") and ".cpython-" in path)
