"""What the user may say about a whole run."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from packaging.utils import canonicalize_name

from kfslim.errors import InputError
from kfslim.oci import Platform
from kfslim.plan.model import Bytecode

ALL, BASE = "all", "base"  # in ``Options.upgrade``: every package and base, the bases only
_PYTHON = re.compile(r"3\.\d{1,2}\Z")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\Z")
TRIES = 8  # of one step's slimmed images, the first included


@dataclass(frozen=True)
class TrialOptions:
    """What the user may say about trials; None leaves it to the config.

    ``run`` runs the steps themselves, each on what the steps before it made.  ``tries`` bounds
    the trials of slimmed images of one step.  ``untried`` are steps that may be published though
    their trial fails with all that they declare.  ``logs`` is a folder for what trials wrote,
    ``record`` one for the inputs of steps that ran.

    Raises (on construction):
        InputError: ``tries`` is less than 1.
    """

    runner: str = "auto"
    run: bool = False
    network: bool | None = None
    tries: int = TRIES
    untried: frozenset[str] = frozenset()
    logs: Path | None = None
    record: Path | None = None

    def __post_init__(self) -> None:
        if self.tries < 1:
            raise InputError("--tries must be 1 or more")


@dataclass(frozen=True)
class Options:
    """What the command line says for a whole run; None leaves it to the config.

    ``upgrade`` are names to take newer versions of, ``base`` for the bases, ``all`` for everything.
    ``before`` false leaves the old images unread: nothing constrains the versions then.
    ``audit`` false keeps all that is declared.  ``prune`` ``trace`` removes, too, what a run of the
    step never touched.

    Raises (on construction):
        InputError: ``python`` is no minor version, or ``upgrade`` holds no package's name.
    """

    base: str | None = None
    python: str | None = None
    platforms: tuple[Platform, ...] = ()
    bytecode: Bytecode | None = None
    codec: Literal["gzip", "zstd"] | None = None
    upgrade: frozenset[str] = field(default_factory=frozenset)
    before: bool = True
    audit: bool = True
    prune: Literal["policy", "trace"] | None = None

    def __post_init__(self) -> None:
        if self.python and not _PYTHON.match(self.python):
            raise InputError(f"{self.python!r} is not a version of Python 3, such as 3.11")
        for name in self.upgrade:
            if not _NAME.match(name):
                raise InputError(
                    f"{name!r} is not a package's name to upgrade",
                    hint="Name packages without versions: --upgrade pandas, or --upgrade all.",
                )

    @property
    def upgrade_all(self) -> bool:
        """True when every package is to be taken anew."""
        return ALL in self.upgrade

    @property
    def upgrade_bases(self) -> bool:
        """True when the bases are to be taken as they are today."""
        return bool(self.upgrade & {ALL, BASE})

    @property
    def upgraded(self) -> frozenset[str]:
        """The names to upgrade as locks spell them (PEP 503)."""
        return frozenset(map(canonicalize_name, self.upgrade - {ALL, BASE}))
