"""What a command wrote, kept within bounds while it is read."""

from __future__ import annotations

from collections import deque

MOST = 1 << 20  # bytes that are kept: the first and the last half
_HALF = MOST // 2


class BoundedLog:
    """The beginning and the end of a stream of bytes; ``written`` counts all of it."""

    def __init__(self) -> None:
        self.written = 0
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0

    def add(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self.written += len(chunk)
        room = _HALF - len(self._head)
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        if chunk:
            self._tail.append(chunk)
            self._tail_bytes += len(chunk)
        while self._tail and self._tail_bytes - len(self._tail[0]) >= _HALF:
            self._tail_bytes -= len(self._tail.popleft())

    @property
    def text(self) -> str:
        """What is kept, at most ``MOST`` bytes and a line that says what is not."""
        tail = b"".join(self._tail)[-_HALF:]
        left_out = self.written - len(self._head) - len(tail)
        middle = f"\n... {left_out} bytes left out ...\n".encode() if left_out else b""
        return (bytes(self._head) + middle + tail).decode("utf-8", "replace")
