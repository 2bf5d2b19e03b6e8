"""What is inside a distribution: the facts that an audit needs of it, small enough to be cached.

They are read from the RECORD and METADATA of what was really installed for a step, never from the
environment that kfslim runs in.
"""

from __future__ import annotations

from kfslim.model import Model


class Anatomy(Model):
    """One distribution file.

    ``name`` is normalised (PEP 503).  ``modules`` are all importable dotted names, packages and
    modules, sorted ("google.cloud.storage", "sklearn.linear_model._base"); a folder without
    ``__init__`` is none by itself.  ``requires`` are its Requires-Dist lines as written.
    ``entry_points`` are ``group:name=value``; ``scripts`` the programs it puts into ``bin/``.
    ``content_bytes`` is the size of the wheel or sdist file, ``disk_bytes`` that of the files it
    installs.
    """

    name: str
    version: str
    modules: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    entry_points: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    content_bytes: int = 0
    disk_bytes: int = 0
