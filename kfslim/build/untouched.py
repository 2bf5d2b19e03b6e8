"""Prune by trace: what whole runs of steps never touched of their distributions.

What stays whatever the runs did, since a trace cannot tell that nobody needs it:

- all of ``*.dist-info``, and what lies outside site-packages;
- data, but for folders of modules of which none was used: with native code in the distribution
  even these, apart from test suites, for what native code opens is not seen;
- ``__init__.py`` of every folder that keeps something;
- shared objects that are no extension modules: which of them code opens by itself depends on the
  processor.  Those go that only files which go are linked to; and copies, that nothing is linked
  to, of one that goes or was mapped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kfslim.build.linked import is_extension, unlinked
from kfslim.build.traced import used_files
from kfslim.lock.tree import Installed, site_packages
from kfslim.plan.model import ImagePlan
from kfslim.plan.tried import Cut
from kfslim.trial.model import Trace

_TESTS = frozenset({"tests", "test"})


def untouched(
    traces: Sequence[Trace], image: ImagePlan, installed: Sequence[Installed]
) -> tuple[str, ...]:
    """Return the distributions of which no run used a file, sorted; none where one was no run.

    Whose METADATA was read counts as used (somebody asked for its version), unless all were read.
    """
    used = _used(traces, image)
    paths = {one.locked.name: _paths(one, image.base.python.minor) for one in installed}
    asked = {name for name, some in paths.items() if any(map(_is_metadata, used & some))}
    if len(asked) == len(paths):
        asked = set()
    idle = {name for name, some in paths.items() if not any(map(_is_content, used & some))}
    return tuple(sorted(idle - asked)) if used else ()


def cuts(
    traces: Sequence[Trace], image: ImagePlan, installed: Sequence[Installed]
) -> tuple[Cut, ...]:
    """Return what no run touched of the distributions that were used; () where one was no run.

    ``traces`` are those of all steps that are to share the layers of ``image``, its own among them:
    what one of them used stays for all.  ``installed`` are the distributions of ``image``.
    """
    used = _used(traces, image)
    gone: dict[str, set[str]] = {}
    paths = {one.locked.name: _content(one, image.base.python.minor) for one in installed}
    for one in installed:
        name = one.locked.name
        gone[name] = _gone(paths[name], paths[name] & used) if one.locked.modules is None else set()
    unlinked(installed, image.base.python.minor, used, gone)
    return tuple(
        Cut(name=name, paths=tuple(_shortened(gone[name], paths[name])))
        for name in sorted(gone)
        if gone[name]
    )


def _used(traces: Sequence[Trace], image: ImagePlan) -> frozenset[str]:
    """Return what the runs used; nothing where one of them was no run."""
    if not all(trace.level == "run" for trace in traces):
        return frozenset()
    return frozenset().union(*(used_files(trace, image) for trace in traces))


def _content(one: Installed, minor: str) -> set[str]:
    return {path for path in _paths(one, minor) if _is_content(path)}


def _paths(one: Installed, minor: str) -> frozenset[str]:
    site = site_packages(minor) + "/"
    inside = (f.path for f in one.files if f.path.startswith(site))
    return frozenset(path.removeprefix(site) for path in inside)


def _is_content(path: str) -> bool:
    return not path.partition("/")[0].endswith(".dist-info")


def _is_metadata(path: str) -> bool:
    return path.endswith(".dist-info/METADATA")


def _gone(paths: set[str], used: set[str]) -> set[str]:
    """Return what of one distribution goes; nothing where nothing was used."""
    if not used:
        return set()
    native = any(path.endswith(".so") or ".so." in path for path in paths)
    alive = _folders(used)
    peopled = _folders(p for p in paths if _is_module(p) and not _is_init(p))
    gone = {path for path in paths - used if _is_module(path)}
    for path in paths - used - gone:
        dead = next((f for f in _above(path) if f not in alive), "")
        spent = dead and dead in peopled and not (native and _TESTS.isdisjoint(path.split("/")))
        if spent:
            gone.add(path)
    staying = _folders(paths - gone)
    return {p for p in gone if not (_is_init(p) and p.rpartition("/")[0] in staying)}


def _is_module(path: str) -> bool:
    """Whether the import system would load it (or, of stubs, a lazy loader)."""
    return path.endswith((".py", ".pyi")) or is_extension(path)


def _is_init(path: str) -> bool:
    return path.rpartition("/")[2] == "__init__.py"


def _above(path: str) -> list[str]:
    """Return the folders that hold a path, the topmost first."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]


def _folders(paths: Iterable[str]) -> set[str]:
    return {folder for path in paths for folder in _above(path)}


def _shortened(gone: set[str], paths: set[str]) -> list[str]:
    """Name folders of which all goes, instead of their files."""
    staying = _folders(paths - gone)
    return sorted(
        {next((f"{f}/" for f in _above(path) if f not in staying), path) for path in gone}
    )
