"""What is asked of the resolver, and the digest that tells whether it was asked before."""

from __future__ import annotations

from dataclasses import dataclass

from kfslim.canonical import value_digest
from kfslim.lock.model import Lock
from kfslim.lock.target import DEFAULT_GLIBC, Target
from kfslim.oci.image import Platform

FORMAT = 1  # of the declaration digest


@dataclass(frozen=True)
class Job:
    """One declaration to lock.

    ``requirements`` are PEP 508 with duplicates merged, ``constraints`` are ``name==version``,
    ``indexes`` are names of configured indexes to ask first.  ``python`` is ``3.11`` or
    ``3.11.2``; ``glibc`` is the base's.  ``existing`` is the lock to keep to: as it is while the
    declaration is the same, else its versions as far as they fit, save for the names in
    ``upgrade`` (True: all).  ``what`` begins error messages.
    """

    requirements: tuple[str, ...]
    python: str
    platform: Platform
    constraints: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()
    glibc: tuple[int, int] = DEFAULT_GLIBC
    dependencies: bool = True
    existing: Lock | None = None
    upgrade: bool | frozenset[str] = False
    what: str = "locking"

    @property
    def target(self) -> Target:
        """The machine that the lock is for."""
        return Target(self.python, self.platform, self.glibc)

    @property
    def declaration(self) -> str:
        """``sha256:<hex>`` of everything that is asked for."""
        return value_digest(
            {
                "format": FORMAT,
                "requirements": sorted(set(self.requirements)),
                "constraints": sorted(set(self.constraints)),
                "indexes": list(self.indexes),
                "python": self.python,
                "platform": self.target.uv_platform,
                "dependencies": self.dependencies,
            }
        )

    @property
    def is_current(self) -> bool:
        """True when ``existing`` answers the declaration and no upgrade is wanted."""
        existing = self.existing
        return (
            existing is not None and not self.upgrade and existing.declaration == self.declaration
        )
