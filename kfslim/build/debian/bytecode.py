"""Bytecode of a base's standard library, by the base's own interpreter."""

from __future__ import annotations

from collections.abc import Mapping

from kfslim.build.bytecode import compile_modules
from kfslim.build.interpreter import Interpreter
from kfslim.cache import Cache
from kfslim.oci.image import Image
from kfslim.plan.model import PythonFacts
from kfslim.progress import SILENT, Progress


class StandardLibrary:
    """``compile_sources`` for :func:`~kfslim.build.debian.base.assemble_base`."""

    def __init__(self, cache: Cache, progress: Progress = SILENT) -> None:
        self._cache, self._progress = cache, progress

    def __call__(self, image: Image, sources: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return the pycs of ``sources``, by path: ``usr/lib/python3.11/…``.

        Raises:
            ToolError: the base's interpreter does not run here.
        """
        version = min(sources).removeprefix("usr/lib/python").partition("/")[0]  # 3.11
        python = PythonFacts(version=version, executable="/usr/bin/python3")
        interpreter = Interpreter.extract(image, python, self._cache, self._progress)
        return compile_modules(interpreter, sources)
