"""Documented rules: what a step needs although it imports it nowhere.

Each rule has an id that never changes its meaning, and the source it was taken from.
"""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple

from kfslim.audit.model import Evidence
from kfslim.audit.uses import Uses


class Implied(NamedTuple):
    """Somebody else's import on the step's behalf.

    ``names`` are normalised distribution names in the order in which the library prefers them:
    any one of them serves, the first that is there is taken.  ``needed`` is False where the source
    only may need it (a path that is computed may end in .xls): it is kept when it was declared, and
    not missed when it was not.  ``evidence`` is of kind "rule" with the rule's id.
    """

    names: tuple[str, ...]
    evidence: Evidence
    needed: bool = True


def implied(uses: Uses, environment: Container[str]) -> list[Implied]:
    """Return what the rules say about ``uses``.

    ``environment`` holds the normalised names of all distributions at hand (``in`` is asked of
    it); rules speak only about libraries that are there.
    """
    return []
