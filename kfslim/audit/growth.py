"""What changed since the last lock, and which requirement is responsible for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kfslim.audit.model import Change, Changed, StepGrowth
from kfslim.lock.model import Locked


def growth(
    step: str,
    before: Iterable[Locked],
    after: Iterable[Locked],
    through: Mapping[str, tuple[str, ...]],
) -> StepGrowth:
    """Compare the distributions of a step with those that an earlier plan gave it.

    ``through`` says by normalised name which requirements bring a distribution of ``after``.
    """
    old = {one.name: one for one in before}
    new = {one.name: one for one in after}
    changes = [
        change
        for name in {*old, *new}
        if (change := _changed(name, old.get(name), new.get(name), through.get(name, ())))
    ]
    return StepGrowth(
        step=step,
        before_content_bytes=sum(one.content_bytes for one in old.values()),
        content_bytes=sum(one.content_bytes for one in new.values()),
        changes=tuple(sorted(changes, key=lambda one: (-one.content_bytes, one.name))),
    )


def _changed(
    name: str, old: Locked | None, new: Locked | None, through: tuple[str, ...]
) -> Changed | None:
    if old and new and (old.version, old.sha256) == (new.version, new.sha256):
        return None
    kind: Change = "updated" if old and new else "added" if new else "removed"
    return Changed(
        name=name,
        change=kind,
        before=old.version if old else "",
        after=new.version if new else "",
        content_bytes=(new.content_bytes if new else 0) - (old.content_bytes if old else 0),
        through=through,
    )
