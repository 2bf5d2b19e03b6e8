"""What the user may say about a whole run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from kfslim.oci import Platform
from kfslim.plan.model import Bytecode

ALL = "all"  # in ``Options.upgrade``: every package


@dataclass(frozen=True)
class Options:
    """What the command line says for a whole run; None leaves it to the config.

    ``upgrade`` are names to take newer versions of, ``all`` for every one.  ``before`` false
    leaves the old images unread: nothing constrains the versions then.
    """

    base: str | None = None
    python: str | None = None
    platforms: tuple[Platform, ...] = ()
    bytecode: Bytecode | None = None
    codec: Literal["gzip", "zstd"] | None = None
    upgrade: frozenset[str] = field(default_factory=frozenset)
    before: bool = True
