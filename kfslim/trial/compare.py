"""Do two runs of a step agree?  What the unslimmed image's run left, beside the slim one's.

===================  ===============================================================================
counts               exit status; a parameter, metadata key or artifact that is missing or empty;
                     another type; numbers further apart than the tolerance; other text in
                     parameters, metadata and JSON; a file of another kind (CSV for Parquet, since
                     an engine was missing); other files in an artifact; a file whose size is off by
                     more than half
is only noted        text that names a time, an id or a temporary path; another order or name of
                     files in a folder that holds as many; bytes of a file that differ although its
                     size is about the same: pickles, archives and models seldom repeat themselves
===================  ===============================================================================
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from kfslim.trial.model import ArtifactSeen, FileSeen, Outputs
from kfslim.trial.outputs import is_number

SIZE_FACTOR = 2.0  # a file may be that many times as large
SMALL = 4096  # bytes below which sizes say nothing
# What differs from run to run by its nature.
_PASSING = re.compile(
    r"\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d|[0-9a-f]{8,}|[0-9a-f]{8}-[0-9a-f]{4}-|/tmp/|\b1[5-9]\d{8,}\b",
    re.IGNORECASE,
)
_PASSING_KEY = re.compile(
    r"(?:^|_)(?:time|timestamp|date|datetime|created|updated|at|id|uuid|host|hostname|pid|duration"
    r"|seconds|elapsed|ms)s?$",
    re.IGNORECASE,
)


class Difference(NamedTuple):
    """One difference; ``counts`` is False for what is only worth a note."""

    text: str
    counts: bool = True


def compare(
    expected: Outputs, seen: Outputs, tolerance: float, ignore: Collection[str] = ()
) -> tuple[Difference, ...]:
    """Return how the outputs ``seen`` differ from those that were ``expected``.

    ``tolerance`` is relative.  ``ignore`` are names of outputs, or ``output.key`` of metadata.
    """
    return tuple(_differences(expected, seen, tolerance, set(ignore)))


def _differences(
    expected: Outputs, seen: Outputs, tolerance: float, ignore: set[str]
) -> Iterator[Difference]:
    parameters = {n: v for n, v in expected.parameters.items() if n not in ignore}
    yield from _values(parameters, seen.parameters, "parameter", "", tolerance, ignore)
    for name, before in expected.artifacts.items():
        if name not in ignore:
            after = seen.artifacts.get(name, ArtifactSeen())
            what = f"metadata of {name}:"
            yield from _values(before.metadata, after.metadata, what, name, tolerance, ignore)
            yield from _artifact(name, before.files, after.files, tolerance)


def _values(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    what: str,
    owner: str,
    tolerance: float,
    ignore: set[str],
) -> Iterator[Difference]:
    for key, value in before.items():
        if f"{owner}.{key}" in ignore:
            continue
        if key not in after:
            yield Difference(f"{what} {key} is missing")
        else:
            yield from _value(f"{what} {key}", value, after[key], tolerance)


def _value(what: str, before: Any, after: Any, tolerance: float) -> Iterator[Difference]:
    """Compare two JSON values."""
    if is_number(before) and is_number(after):
        if abs(before - after) > tolerance * max(abs(before), abs(after)) + 1e-12:
            yield Difference(f"{what} is {after:g} instead of {before:g}", _lasting(what))
    elif type(before) is not type(after):
        yield Difference(f"{what} is {_shown(after)} instead of {_shown(before)}", _lasting(what))
    elif isinstance(before, (dict, list)):
        yield from _entries(what, before, after, tolerance)
    elif before != after:
        passing = _PASSING.search(str(before)) and _PASSING.search(str(after))
        text = f"{what} is {_shown(after)} instead of {_shown(before)}"
        yield Difference(text, not passing and _lasting(what))


def _entries(what: str, before: Any, after: Any, tolerance: float) -> Iterator[Difference]:
    """Compare two mappings, or two lists."""
    if isinstance(before, list) and len(before) != len(after):
        yield Difference(f"{what} has {len(after)} entries instead of {len(before)}")
    for key in before if isinstance(before, dict) else range(min(len(before), len(after))):
        name = f"{what}.{key}" if isinstance(before, dict) else f"{what}[{key}]"
        if isinstance(before, dict) and key not in after:
            yield Difference(f"{name} is missing", _lasting(name))
        else:
            yield from _value(name, before[key], after[key], tolerance)


def _lasting(what: str) -> bool:
    """False for a key that says that its value is of this run only: a time, an id."""
    return not _PASSING_KEY.search(re.split(r"[. ]", what)[-1])


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _artifact(
    name: str, before: Mapping[str, FileSeen], after: Mapping[str, FileSeen], tolerance: float
) -> Iterator[Difference]:
    if before and not after:
        yield Difference(f"artifact {name} is missing")
        return
    gone = sorted(set(before) - set(after))
    if gone and len(before) == len(after):
        yield Difference(f"artifact {name}: {len(gone)} files have other names", counts=False)
    elif gone:
        yield Difference(f"artifact {name} lacks {gone[0]}" + _more(len(gone)))
    for path in sorted(set(before) & set(after)):
        what = f"artifact {name}" + (f": {path}" if path else "")
        yield from _file(what, before[path], after[path], tolerance)


def _more(count: int) -> str:
    return f" and {count - 1} more" if count > 1 else ""


def _file(what: str, before: FileSeen, after: FileSeen, tolerance: float) -> Iterator[Difference]:
    if before.sha256 == after.sha256:
        return
    if before.bytes and not after.bytes:
        yield Difference(f"{what} is empty")
    elif before.kind != after.kind and before.bytes:
        yield Difference(f"{what} is {after.kind} instead of {before.kind}")
    elif before.kind == "json" and before.value is not None and after.value is not None:
        yield from _value(what, before.value, after.value, tolerance)
    else:
        sizes = f"{after.bytes} bytes instead of {before.bytes}"
        yield Difference(f"{what} differs ({sizes})", _far_apart(before.bytes, after.bytes))


def _far_apart(before: int, after: int) -> bool:
    large, small = max(before, after), min(before, after)
    return large > SMALL and large > SIZE_FACTOR * small
