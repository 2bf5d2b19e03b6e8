"""Letting the whole KFP SDK look at a pipeline from inside a task.

The executor that runs a task sets ``_KFP_RUNTIME``, and with it ``import kfp`` gives a part of the
SDK that can load nothing: so another process looks.
"""

from __future__ import annotations

import os
import subprocess
import sys

from kfslim.errors import BadPipeline

_STRIPPED = "_KFP_RUNTIME"
_CODE = """
import sys
from kfslim.errors import KfslimError
from kfslim.pin import verify
try:
    verify(sys.stdin.buffer.read().decode())
except KfslimError as error:
    sys.exit(error.message)
"""


def verify_outside(text: str) -> None:
    """Check that the KFP SDK loads the pipeline in ``text``.

    Raises:
        BadPipeline: it does not.
    """
    done = subprocess.run(
        [sys.executable, "-c", _CODE],
        input=text.encode(),
        capture_output=True,
        check=False,
        env={name: value for name, value in os.environ.items() if name != _STRIPPED},
    )
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise BadPipeline(lines[-1][:400] if lines else "the KFP SDK does not load the pipeline")
