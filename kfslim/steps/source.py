"""What a step's Python source tells about what it needs: by reading it, never by running it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from kfslim.steps.reader import Sightings, read_together
from kfslim.steps.sightings import Import, SourceText

# Programs are started through these modules or calls; an image without them would miss the program.
_PROGRAM_MODULES = {"subprocess", "pty", "pexpect", "plumbum", "sh", "invoke", "fabric"}
_PROGRAM_CALLS = re.compile(
    r"os\.(system|popen|exec[lv]p?e?|spawn[lv]p?e?|posix_spawnp?|startfile)"
    r"|shutil\.which|asyncio\.create_subprocess_(exec|shell)|pty\.spawn"
)
# Distributions that are of no use without a program or library of the operating system.
_NEED_OS = {
    "git": "git",
    "pyspark": "Java",
    "jpype": "Java",
    "graphviz": "dot",
    "pydot": "dot",
    "pytesseract": "tesseract",
    "cv2": "libGL",
    "pyodbc": "unixODBC",
    "lightgbm": "libgomp",
    "rpy2": "R",
    "pydub": "ffmpeg",
    "ffmpeg": "ffmpeg",
    "pdf2image": "poppler",
    "weasyprint": "pango",
    "osgeo": "GDAL",
    "cupy": "CUDA",
    "tensorrt": "CUDA",
}
_RUNTIME_KFP = {"dsl", "__version__"}  # what the executor's part of kfp offers
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]{0,99}\Z")
_SCHEME = re.compile(r"([a-z][a-z0-9]*)(?:\+[a-z0-9]+)*://")


@dataclass(frozen=True, slots=True, order=True)
class Evidence:
    """Something that the source does: the line (from 1) and what it is."""

    line: int
    what: str


@dataclass
class Facts:
    """What a source tells.

    ``imports`` maps dotted module names to the first line that imports them; imports that the
    source guards (``try … except ImportError``, ``if TYPE_CHECKING``) are in ``optional`` instead.
    ``mentions`` are names that occur as attributes or as short strings (``engine="pyarrow"``,
    ``mlflow.xgboost``): what they name may be imported by somebody else on the step's behalf.
    ``local`` are modules that the step brings along.
    """

    imports: dict[str, int] = field(default_factory=dict)
    optional: dict[str, int] = field(default_factory=dict)
    mentions: set[str] = field(default_factory=set)
    dynamic: list[Evidence] = field(default_factory=list)
    programs: list[Evidence] = field(default_factory=list)
    kfp: list[Evidence] = field(default_factory=list)
    local: set[str] = field(default_factory=set)


def read_source(text: str) -> Facts:
    """Read one source; what cannot be parsed counts as importing dynamically."""
    seen = read_together([SourceText("", text)])
    facts = Facts(local=seen.local, mentions=set(_mentions(seen)))
    for found in _longest(seen.imports):
        guarded = found.kind in ("optional", "typing")
        (facts.optional if guarded else facts.imports).setdefault(found.module, found.line)
    facts.dynamic = [Evidence(doubt.line, doubt.text) for doubt in seen.doubts]
    facts.programs = sorted(_programs(seen), key=_line)
    facts.kfp = sorted(_kfp(seen), key=_line)
    return facts


def _longest(imports: list[Import]) -> Iterator[Import]:
    """Leave ``e.f`` out of ``from e.f import g``, which is ``e.f.g``."""
    by_line: dict[int, list[str]] = {}
    for found in imports:
        by_line.setdefault(found.line, []).append(found.module)
    for found in imports:
        inside = f"{found.module}."
        if not any(module.startswith(inside) for module in by_line[found.line]):
            yield found


def _mentions(seen: Sightings) -> Iterator[str]:
    yield from seen.words
    for found in seen.imports:
        yield from found.module.split(".")[1:]
    for text in seen.texts:
        if _WORD.match(text.value):
            yield text.value
        yield from _SCHEME.findall(text.value[:200])


def _programs(seen: Sightings) -> Iterator[Evidence]:
    for found in _longest(seen.imports):
        top = found.module.partition(".")[0]
        if top in _PROGRAM_MODULES:
            yield Evidence(found.line, f"starts programs ({top})")
        elif top in _NEED_OS:
            yield Evidence(found.line, f"imports {top}, which needs {_NEED_OS[top]}")
    for call in seen.calls:
        if _PROGRAM_CALLS.fullmatch(call.name):
            yield Evidence(call.line, f"starts programs ({call.name})")


def _kfp(seen: Sightings) -> Iterator[Evidence]:
    names = [(found.module, found.line) for found in seen.imports]
    names += [(call.name, call.line) for call in seen.calls]
    names += [(taken.name, taken.line) for taken in seen.attributes]
    for name, line in names:
        used = name.split(".")[1:2]
        if name.startswith("kfp.") and used[0] not in _RUNTIME_KFP:
            yield Evidence(line, f"uses kfp.{used[0]}")


def _line(evidence: Evidence) -> int:
    return evidence.line


def top_level(modules: dict[str, int]) -> Iterator[tuple[str, int]]:
    """Yield each first part of ``modules`` with the first line that imports it."""
    seen: dict[str, int] = {}
    for module, line in modules.items():
        seen.setdefault(module.partition(".")[0], line)
    yield from seen.items()
