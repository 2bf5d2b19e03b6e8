"""The codes of findings.  A code that is in use never changes its meaning."""

from __future__ import annotations

from typing import NamedTuple

from kfslim.audit.model import Action


class Code(NamedTuple):
    """One code: what to do, and what it means in one line."""

    code: str
    action: Action
    meaning: str


_TABLE = (
    Code("KS101", "keep", "the source imports it"),
    Code("KS102", "keep", "a documented rule says that something the source uses needs it"),
    Code("KS103", "keep", "a plugin, by entry point, of something that is used"),
    Code("KS104", "keep", "the source starts a program of it"),
    Code("KS105", "keep", "the source does not tell whether it is needed"),
    Code("KS106", "keep", "the configuration keeps it"),
    Code("KS107", "keep", "a trial failed without it, or used it"),
    Code("KS108", "keep", "a distribution that stays requires it: removing it saves nothing"),
    Code("KS109", "keep", "its marker does not hold here: it installs nothing"),
    Code("KS201", "remove", "nothing uses it"),
    Code("KS202", "remove", "nothing uses it, and it is of another trade"),
    Code("KS203", "remove", "needed to compile or submit a pipeline, not in this step"),
    Code("KS204", "remove", "the standard library or the base has it"),
    Code("KS301", "merge", "declared twice"),
    Code("KS302", "merge", "declared more than once, with extras or versions that merge"),
    Code("KS303", "merge", "has an extra that nothing uses"),
    Code("KS401", "replace", "a lighter distribution offers all that is imported"),
    Code("KS402", "replace", "brings CUDA libraries, and the step asks for no accelerator"),
    Code("KS501", "add", "used, and here only because another distribution requires it"),
    Code("KS502", "add", "imported, and nothing here offers it"),
    Code("KS503", "add", "a documented rule says that it is needed, and it is not here"),
)
CODES = {one.code: one for one in _TABLE}
