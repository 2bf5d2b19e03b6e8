"""Bytecode of a base's standard library, by the base's own interpreter."""

from __future__ import annotations

from collections.abc import Mapping

from kfslim.build.bytecode import Compiler, pyc_path
from kfslim.build.interpreter import Interpreter
from kfslim.cache import Cache
from kfslim.errors import ToolError
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
        if interpreter.probed is None:
            raise ToolError(
                "the base's Python does not start on this machine, so it cannot compile",
                hint="Build on a machine of the image's architecture, or without bytecode.",
            )
        paths = sorted(sources)
        with Compiler(interpreter) as compiler:
            pycs = compiler.compile([(f"/{path}", sources[path]) for path in paths])
        tag = interpreter.probed.cache_tag
        return {pyc_path(path, tag): pyc for path, pyc in zip(paths, pycs, strict=True) if pyc}
