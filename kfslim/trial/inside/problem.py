"""Why a trial's root could not be made, told from one process to another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Problem(Exception):
    """What failed, and the kernel's word for it.

    ``image`` says that the image is to blame, not the machine.
    """

    def __init__(self, text: str, *, image: bool = False) -> None:
        super().__init__(text)
        self.told: dict[str, Any] = {"problem": text, "image": image}


@contextmanager
def doing(what: str) -> Iterator[None]:
    """Turn an ``OSError`` inside the block into a :class:`Problem` that says what we did."""
    try:
        yield
    except OSError as error:
        raise Problem(f"{what}: {error.strerror or error}") from error
