"""A Dockerfile and the files that it builds from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from kfslim.plan.model import ImagePlan, StepPlan

Dialect = Literal["buildkit", "classic"]


@dataclass(frozen=True)
class BuildFiles:
    """A build context: ``files`` maps a path in it to content, or to a file to copy.

    ``dockerfile`` is the path of the Dockerfile within; ``secrets`` are the ids that a BuildKit
    build should pass.
    """

    files: Mapping[str, bytes | Path]
    dockerfile: str
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ground:
    """What a stage stands on.

    ``reference`` is what follows FROM; empty for a base that nobody can pull, whose root lies in
    the context as the archives ``layers``.  Then ``config`` (an image's ``config.config``) is what
    the Dockerfile says of it.
    """

    reference: str
    layers: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Parts:
    """What the Dockerfile of one image is written from.

    ``environ`` and ``user`` are the ground's.  ``os_packages`` is the archive of the plan's OS
    packages, empty without any.  ``folder`` is where the step's files lie in the context, and
    ``shared`` where those lie that all steps on its ground use: with a slash at the end, or empty.
    """

    step: StepPlan
    image: ImagePlan
    ground: Ground
    environ: Mapping[str, str]
    user: str = ""
    os_packages: str = ""
    has_project: bool = False
    has_sdists: bool = False
    folder: str = ""
    shared: str = ""
