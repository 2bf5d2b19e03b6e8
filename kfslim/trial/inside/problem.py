"""Why a trial's root could not be made, told from one process to another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

Blame = Literal["machine", "image", "folder"]


class Problem(Exception):
    """What failed, and what is to blame: this machine, the image, or the task's folder.

    ``told`` is the same as JSON.
    """

    def __init__(self, text: str, blame: Blame = "machine") -> None:
        super().__init__(text)
        self.told: dict[str, str] = {"problem": text, "blame": blame}


@contextmanager
def doing(what: str, blame: Blame = "machine") -> Iterator[None]:
    """Turn an ``OSError`` inside the block into a :class:`Problem` that says what we did."""
    try:
        yield
    except OSError as error:
        raise Problem(f"{what}: {error.strerror or error}", blame) from error
