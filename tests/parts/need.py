"""Say that a real part is missing: skipped on a developer's machine, a failure in CI."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """Skip with ``reason``, or fail when ``CI=true``: CI must not lose a ring in silence."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must have every real part: {reason}")
    pytest.skip(reason)


def program(name: str, package: str = "") -> str:
    """Return the path of a program, looking beside this Python and into root's system folders."""
    beside = Path(sys.executable).parent
    path = f"{beside}:{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin:/sbin"
    found = shutil.which(name, path=path)
    if not found:
        missing(f"{name} is not installed (Debian package {package or name})")
    return found


def wait_until(ready, process, seconds: float = 60.0, log=None) -> None:
    """Poll ``ready()`` until it is true; fail when ``process`` ends or time is up."""
    import time

    deadline = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            tail = log.read_text(errors="replace")[-2000:] if log else ""
            raise RuntimeError(f"{process.args[0]} did not start: {tail}")
        time.sleep(0.05)
