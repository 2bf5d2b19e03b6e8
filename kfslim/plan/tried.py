"""What audits and trials decided of a step: what its image goes without, what was seen to run.

Values only.  ``kfslim.build.traced`` makes them from a trace, ``kfslim.flow`` from findings.
"""

from __future__ import annotations

from typing import Literal

from kfslim.lock.model import Locked
from kfslim.model import Model


class Compiled(Model):
    """The modules of one distribution that get bytecode: ``.py`` paths below site-packages, sorted.

    ``name`` is the distribution's, since only it says whose files they are.
    """

    name: str
    modules: tuple[str, ...]


class Cut(Model):
    """What of one distribution a run never touched, and its layer goes without.

    ``paths`` are relative to site-packages and sorted; one that ends in ``/`` is a whole folder.
    """

    name: str
    paths: tuple[str, ...]


class Dropped(Model):
    """A distribution of the full lock for ``platform`` that the image goes without.

    ``code`` is the audit's, ``requirement`` the declared one that went, as it was written, and
    ``why`` a sentence.  ``locked`` is kept whole: it can be put back without resolving again.
    """

    locked: Locked
    platform: str
    code: str
    requirement: str
    why: str


class Proof(Model):
    """The trial that the step of ``step_digest`` passed: its level, and the runner's name."""

    level: Literal["imports", "start", "run"]
    runner: str
    step_digest: str
