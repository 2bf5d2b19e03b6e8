"""Compiling components for another image, in a process of its own.

A component takes its image when its module is imported, and a process imports a module once.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from kfslim.dsl import ambient, image
from kfslim.errors import ToolError
from kfslim.files import check_writable


def compile_for(folder: Path, name: str, config: Path | None = None) -> list[str]:
    """Write all compiled YAML for kfslim's image ``name``; return the files in ``folder``.

    ``config`` is the file whose cluster settings the tasks of the pipelines get.

    Raises:
        DiskError: ``folder`` cannot be written.
        ToolError: the SDK refuses.
    """
    check_writable(folder / "components")
    environ = {**os.environ, image.VARIABLE: name}
    if config:
        environ[ambient.VARIABLE] = str(config.absolute())
    done = subprocess.run(
        [sys.executable, "-m", "kfslim.dsl.compile", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env=environ,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ToolError(f"compiling the components failed: {last[:300]}")
    return done.stdout.split()
