"""Reading TOML files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from kfslim.errors import BadConfig

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file.

    Raises:
        BadConfig: it cannot be read, or is not TOML; the message holds line and column.
    """
    try:
        tables: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadConfig(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeError) as error:
        raise BadConfig(f"{path} is not TOML: {error}") from error
    return tables
