"""The files that ``trial.hook`` wrote in a root → :class:`Trace`.

They come out of the image and may hold anything: each line is checked, and both their number and
their length are bounded.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path

from kfslim.trial.left import files_left, open_left, printable
from kfslim.trial.model import Level, Trace

MAX_LINE, MAX_LINES = 5000, 1_000_000
LEAST = 0.001  # seconds; less says nothing
_LINE = re.compile(r"""[coxdplm] (?:'[^'\n]*'|"[^"\n]*"|'(?:[^'\\\n]|\\.)*')\Z""", re.ASCII)
_PYC = re.compile(r"__pycache__/([^/]+)\.[\w\-]+-\d+(?:\.opt-\d)?\.pyc\Z")
_EXTENSION = re.compile(r"\.(?:[\w\-]+\.)?so\Z")
_ROOTS = re.compile(r".*/(?:(?:site|dist)-packages|python3(?:\.\d+)?)/(?:lib-dynload/)?")
_STANDARD = re.compile(r".*/lib/python3\.\d+/(?!(?:site|dist)-packages/)")
_ELSEWHERE = ("/proc/", "/dev/", "/sys/")
_TEMPORARY = ("/tmp/", "/var/tmp/", "/run/")  # noqa: S108 (in the image: no layer holds it)
_NAMELESS = ("__main__", "__mp_main__", "ephemeral_component")  # the step's own source


def read_trace(
    folders: Iterable[Path],
    *,
    step: str,
    step_digest: str,
    level: Level,
    mount: str,
    import_seconds: Mapping[str, float] | None = None,
) -> Trace:
    """Put the traces of all processes together; ``mount`` is the run's own folder in the root."""
    noted = _noted(folders, (*_ELSEWHERE, f"{mount}/"))
    modules = _modules(noted)
    imported = set(modules.values())
    files = {path for path in noted["o"] | noted["c"] if _source(path) not in imported}
    return Trace(
        step=step,
        step_digest=step_digest,
        level=level,
        modules=dict(sorted(modules.items())),
        files=tuple(sorted(files)),
        mapped=tuple(sorted(p for p in noted["l"] | noted["x"] | noted["d"] if p[:1] == "/")),
        programs=tuple(sorted(noted["p"])),
        import_seconds=_seconds(import_seconds or {}, modules),
    )


def _seconds(timed: Mapping[str, float], modules: Mapping[str, str]) -> dict[str, float]:
    """Return the seconds of what has a file and is not of Python itself, at least a millisecond."""
    tops = {name.partition(".")[0] for name, file in modules.items() if not _STANDARD.match(file)}
    return {
        name: round(timed[name], 3) for name in sorted(tops & timed.keys()) if timed[name] >= LEAST
    }


def _noted(folders: Iterable[Path], elsewhere: tuple[str, ...]) -> dict[str, set[str]]:
    noted: dict[str, set[str]] = defaultdict(set)
    for kind, text in chain.from_iterable(map(_lines, folders)):
        path = text.partition("=")[2] if kind == "m" else text
        passing = kind in "ocp" and path.startswith(_TEMPORARY) and not module_name(_source(path))
        if not passing and not path.startswith(elsewhere):
            noted[kind].add(text)
    return noted


def _lines(folder: Path) -> Iterator[tuple[str, str]]:
    left = MAX_LINES
    for name in files_left(folder.parent, folder.name):
        opened = open_left(folder.parent, name)
        if opened is None:
            continue
        with opened:
            while left and (line := opened.readline(MAX_LINE)):
                left -= 1
                text = line.decode("ascii", "replace").rstrip("\n")
                if _LINE.match(text):
                    yield from _said(text)


def _said(line: str) -> Iterator[tuple[str, str]]:
    try:
        yield line[0], printable(str(ast.literal_eval(line[2:])))
    except (SyntaxError, ValueError):  # a process that was killed while it wrote
        return


def _modules(noted: Mapping[str, set[str]]) -> dict[str, str]:
    """Return modules by name: those that a process knew, and the code it read before it died."""
    pairs = [text.partition("=")[::2] for text in sorted(noted["m"])]
    modules = {name: file for name, file in pairs if name not in _NAMELESS}
    known = set(modules.values())
    for path in sorted(noted["c"] | noted["x"]):
        source = _source(path)
        name = module_name(source)
        if name and source not in known:
            modules.setdefault(name, source)
    return modules


def _source(path: str) -> str:
    """Return the source that a pyc was compiled from; any other path as it is."""
    return _PYC.sub(r"\1.py", path)


def module_name(path: str) -> str:
    """Return the dotted name of a file of code below site-packages or the standard library."""
    root = _ROOTS.match(path)
    if not root:
        return ""
    inside = path[root.end() :]
    plain = inside[:-3] if inside.endswith(".py") else _EXTENSION.sub("", inside)
    if plain == inside:
        return ""
    return plain.removesuffix("/__init__").replace("/", ".")
