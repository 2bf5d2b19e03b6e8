"""Bytecode by the base's own interpreter: the same bytes on any machine.

Sources go and pycs come back through pipes; nothing is written to disk and nothing of the tree
being packed is imported.  pycs are "unchecked hash" ones (PEP 552), so no timestamp is in them and
none is looked at.  See ``compile_server.py`` for why one wheel is one job.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from kfslim.build.interpreter import Interpreter
from kfslim.errors import ToolError

_SERVER = Path(__file__).with_name("compile_server.py")
_LAST_WAIT = 5.0  # seconds for the server to end by itself


class Compiler:
    """One compile server, running for as long as the ``with`` block; one thread uses it at a time.

    Raises (on entry):
        ToolError: the interpreter cannot be started.
    """

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter

    def __enter__(self) -> Compiler:
        self._process = self._interpreter.start(["-W", "ignore", "-c", _SERVER.read_text("utf-8")])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._process.kill()
        with suppress(OSError):
            _pipe(self._process.stdin).close()
        _pipe(self._process.stdout).close()
        try:
            self._process.wait(_LAST_WAIT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def compile(self, files: Sequence[tuple[str, bytes]]) -> list[bytes | None]:
        """Compile one wheel's modules: (path in the image, source), sorted by path.

        Returns pyc bytes in the same order, None for what does not compile (templates, Python 2),
        as ``compileall -q`` leaves it out.

        Raises:
            ToolError: the interpreter crashed.
        """
        if not files:
            return []
        feeder = threading.Thread(target=self._feed, args=(files,), daemon=True)
        feeder.start()
        results = [self._answer(path) for path, _ in files]
        feeder.join()
        return results

    def _feed(self, files: Sequence[tuple[str, bytes]]) -> None:
        pipe = _pipe(self._process.stdin)
        with suppress(OSError):  # the reader finds out why the server is gone
            pipe.write(b"J" + _number(len(files)))
            for path, source in files:
                name = path.encode("utf-8", "surrogateescape")
                pipe.write(_number(len(name)) + name + _number(len(source)))
                pipe.write(source)
            pipe.flush()

    def _answer(self, path: str) -> bytes | None:
        pipe = _pipe(self._process.stdout)
        head = pipe.read(4)
        size = int.from_bytes(head, "little")
        data = pipe.read(size) if size else b""
        if len(head) < 4 or len(data) < size:
            raise ToolError(
                f"the base's Python crashed while compiling {path}",
                hint="Plan without bytecode, or leave the distribution out.",
            )
        return data or None


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # both are pipes
    return stream


def _number(value: int) -> bytes:
    return value.to_bytes(4, "little")


def pyc_path(source: str, cache_tag: str) -> str:
    """Return where the pyc of ``a/b.py`` lies: ``a/__pycache__/b.cpython-311.pyc`` (PEP 3147)."""
    folder, _, name = source.rpartition("/")
    stem = name.removesuffix(".py")
    return "/".join(filter(None, (folder, "__pycache__", f"{stem}.{cache_tag}.pyc")))


def compile_modules(interpreter: Interpreter, sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """Compile modules of an image as one job; all paths are those in the image, without ``/``.

    Returns the pycs by their own paths; what does not compile is missing.

    Raises:
        ToolError: the interpreter does not start, or crashed.
    """
    if interpreter.probed is None:
        raise ToolError(
            "the base's Python does not start on this machine, so it cannot compile",
            hint="Build on a machine of the image's architecture, or plan without bytecode.",
        )
    tag, paths = interpreter.probed.cache_tag, sorted(sources)
    with Compiler(interpreter) as compiler:
        pycs = compiler.compile([(f"/{path}", sources[path]) for path in paths])
    return {pyc_path(path, tag): pyc for path, pyc in zip(paths, pycs, strict=True) if pyc}
