"""What steps go without, and how they were tried: in words for every kind of report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple, TextIO

from rich.text import Text

from kfslim.report.model import Gone, StepReport, TrialReport, TrialResult
from kfslim.report.sizes import counted, human_bytes, human_seconds
from kfslim.report.terminal import new_table, print_parts

_LEVELS = {"imports": "its imports", "start": "its start", "run": "the step itself", "": "nothing"}
_STYLES = {"passed": "green", "known": "green", "failed": "bold red", "skipped": "yellow"}
_EVERYTHING = "*"  # see flow.repairing, as for the other names of what was put back


class Went(NamedTuple):
    """A declared requirement that went, with what came with it."""

    requirement: str
    code: str
    why: str
    packages: int
    content_bytes: int


def what_went(gone: Iterable[Gone]) -> list[Went]:
    """Group distributions by the requirement that went with them, the heaviest first."""
    groups: dict[str, list[Gone]] = defaultdict(list)
    for one in gone:
        groups[one.requirement or one.name].append(one)
    found = []
    for requirement, ones in groups.items():
        own = min(ones, key=lambda one: (len(one.why), one.name))  # the others say "came with"
        weight = sum(one.content_bytes for one in ones)
        found.append(Went(requirement, own.code, own.why, len(ones), weight))
    return sorted(found, key=lambda one: (-one.content_bytes, one.requirement))


def left_out(step: StepReport) -> str:
    """Return how much a step goes without: ``14 packages, 6.1 MB``; empty for nothing."""
    if not step.gone:
        return ""
    weight = human_bytes(sum(one.content_bytes for one in step.gone))
    return f"{counted(len(step.gone), 'package')}, {weight}"


def how_tried(trial: TrialReport | None) -> str:
    """Return how a step was tried, in a few words."""
    if trial is None:
        return ""
    if trial.outcome == "skipped":
        return "not tried"
    told = _LEVELS[trial.level]
    if trial.outcome == "known":
        return f"{told}, in an earlier run"
    if trial.outcome == "failed":
        return f"{told}: failed, with all it declares, too"
    times = counted(trial.tries, "trial")
    return f"{told}, {times} in {human_seconds(trial.seconds)}"


def put_back(trial: TrialReport | None) -> list[tuple[str, str]]:
    """Return what trials asked for, in words, each with the reason."""
    return [(_named(name), why) for name, why in (trial.put_back if trial else {}).items()]


def _named(name: str) -> str:
    rule, mark, distribution = name.partition("!")
    if name == _EVERYTHING:
        return "everything"
    if not mark:
        return name
    return f"all files of {distribution}" if rule == "cut" else f"{rule} of {distribution}"


def print_trials(result: TrialResult, stream: TextIO | None = None) -> None:
    """Print how each step fared."""
    table = new_table("Step", "Tried", "Result", ">Seconds", "Why")
    for step in result.steps:
        trial = step.trial
        table.add_row(
            Text(step.name),
            Text(_LEVELS[trial.level]),
            Text(trial.outcome, style=_STYLES[trial.outcome]),
            human_seconds(trial.seconds),
            Text("; ".join(filter(None, (trial.failure, *trial.notes)))),
        )
    print_parts(stream, table)
