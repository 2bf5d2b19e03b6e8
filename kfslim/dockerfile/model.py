"""A Dockerfile and the files that it builds from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

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
