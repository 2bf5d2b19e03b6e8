"""A lock: every file a step gets, by name, version, file name and hash.  No URLs."""

from __future__ import annotations

from typing import Literal

from kfslim.model import Document, Model


class Locked(Model):
    """One distribution file.

    ``content_bytes`` is the size of the wheel or sdist file; ``sha256`` its hash (hex).
    ``installed_sha256`` is set for sdists: the hash of what building and installing it gave
    (see ``lock.tree.tree_hash``); ``build_requires`` pins what built it
    (``setuptools==84.2.1``), so that it builds the same later.  ``modules`` restricts what is kept
    of it (the KFP executor): paths relative to site-packages; None keeps all.
    """

    name: str
    version: str
    file: str
    sha256: str
    content_bytes: int
    kind: Literal["wheel", "sdist"] = "wheel"
    index: str = "default"
    installed_sha256: str = ""
    build_requires: tuple[str, ...] = ()
    modules: tuple[str, ...] | None = None


class Lock(Document):
    """What a declaration resolved to, for one Python and one platform.

    ``declaration`` is the digest of everything that was asked for (requirements, constraints,
    indexes, python, platform): an unchanged one reuses the lock.
    ``distributions`` is sorted by name.
    """

    declaration: str
    python: str
    platform: str
    requirements: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    distributions: tuple[Locked, ...] = ()
