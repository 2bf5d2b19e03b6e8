"""When an audit says no: codes that must not occur, and budgets of bytes for each step.

Bytes are those of the wheels that a step is left with: what is known before anything is built.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import NamedTuple, get_args

from kfslim.audit.codes import CODES
from kfslim.audit.model import Action, Audit, StepAudit, StepGrowth
from kfslim.errors import InputError

_ACTIONS: tuple[str, ...] = get_args(Action)


class Growth(NamedTuple):
    """What a step may grow by since the last lock; it fails when it exceeds both.

    So neither a large step fails by a few per cent of noise, nor a small one by a few kilobytes.
    """

    content_bytes: int = 0
    percent: float = 0.0


class Budget(NamedTuple):
    """What one step may weigh, and grow by; None: as much as it likes."""

    content_bytes: int | None = None
    growth: Growth | None = None


class Gates(NamedTuple):
    """All that may fail: codes or actions of findings, and the budgets of steps by name."""

    fail_on: frozenset[str] = frozenset()
    budgets: Mapping[str, Budget] = {}


def parse_fail_on(words: Iterable[str]) -> frozenset[str]:
    """Return the codes and actions in ``words``, each of which may hold several, with commas.

    Raises:
        InputError: there is no such code or action.
    """
    known = (*CODES, *_ACTIONS)
    found = {part.strip() for word in words for part in word.split(",") if part.strip()}
    for one in sorted(found):
        if one not in known:
            close = get_close_matches(one, known, n=1)
            meant = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(known)}."
            raise InputError(f"there is no code or action {one!r} to fail on", hint=meant)
    return frozenset(found)


def objections(audit: Audit, gates: Gates) -> tuple[str, ...]:
    """Return a sentence for everything in ``audit`` that ``gates`` do not let through."""
    grown = {one.step: one for one in audit.growth}
    found: list[str] = []
    for step in audit.steps:
        budget = gates.budgets.get(step.step, Budget())
        found += _findings(step, gates.fail_on)
        found += _too_large(step, budget.content_bytes)
        found += _too_much(grown.get(step.step), budget.growth)
    return tuple(found)


def _findings(step: StepAudit, fail_on: Collection[str]) -> list[str]:
    return [
        f"{_of(step.step)}{one.code} {one.requirement}: {one.message}"
        for one in step.findings
        if one.code in fail_on or one.action in fail_on
    ]


def _too_large(step: StepAudit, most: int | None) -> list[str]:
    has = step.kept_content_bytes
    if most is None or has <= most:
        return []
    return [f"{_of(step.step)}its packages are {_mb(has)}, more than the {_mb(most)} allowed"]


def _too_much(grown: StepGrowth | None, most: Growth | None) -> list[str]:
    if grown is None or most is None:
        return []
    before, by = grown.before_content_bytes, grown.content_bytes - grown.before_content_bytes
    if by <= most.content_bytes or 100 * by <= most.percent * before:
        return []
    share = f", {100 * by / before:.1f} %" if before else ""
    heaviest = grown.changes[0]
    via = f" (through {', '.join(heaviest.through)})" if heaviest.through else ""
    return [
        f"{_of(grown.step)}its packages grew by {_mb(by)}{share}, most of it "
        f"{heaviest.name} {heaviest.after}{via} with {_mb(heaviest.content_bytes)}"
    ]


def _of(step: str) -> str:
    return f"{step}: " if step else ""


def _mb(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
