"""TOML on every Python we support."""

from __future__ import annotations

import sys
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]


def parse_toml(text: str) -> dict[str, Any]:
    """Parse ``text``.

    Raises:
        ValueError: it is not TOML.
    """
    result: dict[str, Any] = tomllib.loads(text)
    return result
