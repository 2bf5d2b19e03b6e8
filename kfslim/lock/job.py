"""What is asked of the resolver, and the digest that tells whether it was asked before."""

from __future__ import annotations

from dataclasses import dataclass

from kfslim.canonical import value_digest
from kfslim.lock.model import Lock
from kfslim.lock.target import DEFAULT_GLIBC, Target
from kfslim.oci.image import Platform

FORMAT = 2  # of the declaration digest; a new number when the same one locks otherwise


@dataclass(frozen=True)
class Job:
    """One declaration to lock.

    ``requirements`` are PEP 508 with duplicates merged, ``constraints`` are ``name==version``,
    ``indexes`` are names of configured indexes to ask first.  ``python`` is ``3.11`` or
    ``3.11.2``; ``glibc`` is the base's.  ``existing`` is the lock to keep to: as it is while the
    declaration is the same, else its versions as far as they fit, save for the names in
    ``upgrade`` (True: all).  ``what`` begins error messages.

    ``preferred`` are ``name==version`` to keep to where they fit, before those of ``existing``.
    ``overrides`` are requirements that hold whatever the METADATA of others says.  ``sources`` are
    pairs of a normalised name and the configured index that it comes from, whoever requires it, in
    whichever of that index's builds (``2.9.1+cpu`` for ``2.9.1``).  ``declares`` is the declaration
    to record where the job was derived from another one.
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
    preferred: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    sources: tuple[tuple[str, str], ...] = ()
    declares: str = ""

    @property
    def target(self) -> Target:
        """The machine that the lock is for."""
        return Target(self.python, self.platform, self.glibc)

    @property
    def declaration(self) -> str:
        """``sha256:<hex>`` of everything that is asked for."""
        if self.declares:
            return self.declares
        more: dict[str, object] = {}  # what came later counts only where it is used
        if self.overrides:
            more["overrides"] = sorted(self.overrides)
        if self.sources:
            more["sources"] = sorted(map(list, self.sources))
        return value_digest(
            {
                "format": FORMAT,
                "requirements": sorted(set(self.requirements)),
                "constraints": sorted(set(self.constraints)),
                "indexes": list(self.indexes),
                "python": self.python,
                "platform": self.target.uv_platform,
                "dependencies": self.dependencies,
                **more,
            }
        )

    @property
    def is_current(self) -> bool:
        """True when ``existing`` answers the declaration and no upgrade is wanted."""
        existing = self.existing
        return (
            existing is not None and not self.upgrade and existing.declaration == self.declaration
        )
