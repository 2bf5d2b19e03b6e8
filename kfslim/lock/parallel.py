"""A few uv processes at a time, none of which outlives a failure or Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from kfslim.lock.uv import Uv

AT_ONCE = 2

T = TypeVar("T")
R = TypeVar("R")


def at_once(uv: Uv, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Return ``work`` of every item, in their order, ``AT_ONCE`` at a time.

    The first failure, or Ctrl-C, cancels what has not begun, ends every uv that runs, and is
    raised when nothing runs any more.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            for future in futures:
                future.cancel()
            while wait(futures, timeout=0.1).not_done:
                uv.stop()
            raise
