"""A lock without some of its distributions, and the whole of it again.

The declaration stays: a subset still answers what was asked for, so that the whole can be put
together again from the exact files, and nothing is resolved twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from kfslim.lock.model import Lock, Locked


def without(lock: Lock, names: Collection[str]) -> tuple[Lock, tuple[Locked, ...]]:
    """Return ``lock`` less the distributions of ``names`` (normalised), and those that went.

    A name that is not in it means nothing.
    """
    kept = tuple(one for one in lock.distributions if one.name not in names)
    gone = tuple(one for one in lock.distributions if one.name in names)
    return lock.model_copy(update={"distributions": kept}), gone


def restored(lock: Lock, dropped: Iterable[Locked]) -> Lock:
    """Return ``lock`` with ``dropped`` again, sorted by name; what it holds already stays."""
    distributions = {one.name: one for one in (*dropped, *lock.distributions)}
    whole = tuple(distributions[name] for name in sorted(distributions))
    return lock.model_copy(update={"distributions": whole})
