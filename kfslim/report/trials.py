"""Trials as a table for a terminal."""

from __future__ import annotations

from typing import TextIO

from rich.text import Text

from kfslim.report.model import TrialReport, TrialResult
from kfslim.report.sizes import human_seconds
from kfslim.report.terminal import new_table, print_parts

_LEVELS = {"imports": "its imports", "start": "its start", "run": "the step itself", "": "–"}
_STYLES = {"passed": "green", "known": "green", "failed": "bold red", "skipped": "yellow"}


def print_trials(result: TrialResult, stream: TextIO | None = None) -> None:
    """Print how each step fared."""
    table = new_table("Step", "Tried", "Result", ">Seconds", "Why")
    for step in result.steps:
        trial = step.trial
        table.add_row(
            Text(step.name),
            Text(what_was_tried(trial)),
            Text(trial.outcome, style=_STYLES[trial.outcome]),
            human_seconds(trial.seconds),
            Text("; ".join(filter(None, (trial.failure, *trial.notes)))),
        )
    print_parts(stream, table)


def what_was_tried(trial: TrialReport) -> str:
    """Return how far a trial went."""
    return _LEVELS[trial.level]
