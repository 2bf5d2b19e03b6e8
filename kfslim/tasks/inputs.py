"""What a task is given, as text or as a file → values."""

from __future__ import annotations

from pathlib import Path

from kfslim.errors import InputError
from kfslim.model import load_document, parse_document
from kfslim.plan.model import Plan
from kfslim.tasks.packing import unpack


def read_plan(text: str, path: str | None) -> Plan | None:
    """Read the plan that travels as text, or else the one that an artifact holds; None for none.

    Raises:
        BadPlan: it is no plan.
    """
    if path:
        return load_document(Plan, Path(path))
    if not text.strip():
        return None
    return parse_document(Plan, unpack(text), "the lock")


def read_text(path: Path) -> str:
    """Read a text artifact.

    Raises:
        InputError: it cannot be read, or is no text.
    """
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "reason", "unreadable")
        raise InputError(f"the artifact {path.name} cannot be read: {reason}") from error


def only_step(plan: Plan, step: str) -> Plan:
    """Return the part of ``plan`` that is about one step; an empty name stands for the only one.

    Raises:
        InputError: there is no such step, or it is left alone, or several are there to choose from.
    """
    names = [one.name for one in plan.steps]
    for left in plan.left_alone:
        if left.step == step or (not step and not names):
            raise InputError(f"step {left.step} cannot be slimmed: {left.reason}")
    if not step and len(names) != 1:
        raise InputError(f"name one step of the plan: {', '.join(names) or 'it has none'}")
    found = tuple(one for one in plan.steps if one.name == (step or names[0]))
    if not found:
        raise InputError(f"the plan has no step {step!r}; it has {', '.join(names) or 'none'}")
    return plan.model_copy(update={"steps": found, "left_alone": ()})
