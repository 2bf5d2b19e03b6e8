"""What a build wrote, and the error that it comes to."""

from __future__ import annotations

from collections import deque

from kfslim.engine.model import USER_OF_URL, Build
from kfslim.errors import DiskError, KfslimError, ToolError, Unsupported
from kfslim.oci.image import Platform

UNIT = "instructions"  # what tasks of builds count
_LAST = 6  # lines of a failed build's log that its error shows
_LONGEST = 300  # characters of one of them
_FULL = ("no space left on device", "disk quota exceeded")
_FOREIGN = "exec format error"


class BuildLog:
    """The last lines that one instruction of a build wrote."""

    def __init__(self, build: Build, instruction: str = "") -> None:
        self._build, self._instruction = build, instruction
        self._lines: deque[str] = deque(maxlen=_LAST)

    def add(self, line: str) -> None:
        """Keep one line of output."""
        if line := line.strip():
            self._lines.append(_safe(line)[:_LONGEST])

    def failure(self, said: str, engine: Platform) -> KfslimError:
        """Return the error for what the engine said at the end, with the log's last lines."""
        said = _safe(" ".join(said.split()))
        text = "\n".join((said, *self._lines)).lower()
        title = self._build.title
        if any(words in text for words in _FULL):
            return DiskError(
                f"{title}: the Docker Engine has no space left: {said}",
                hint="`docker system df` shows what takes it, `docker system prune` frees some.",
            )
        if _FOREIGN in text:
            return Unsupported(
                f"{title}: the Docker Engine ({engine}) cannot run programs of a base for "
                f"{self._build.platform}",
                hint="Build on such a machine, or with --builder daemonless.",
            )
        where = f" at {_safe(self._instruction)[:_LONGEST]}" if self._instruction else ""
        wrote = f"; its log ended: {' | '.join(self._lines)}" if self._lines else ""
        return ToolError(f"{title}: the Docker Engine's build failed{where}: {said}{wrote}")


def _safe(text: str) -> str:
    """Return ``text`` without the credentials of URLs."""
    return USER_OF_URL.sub(r"\1", text)
