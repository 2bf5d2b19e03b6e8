"""One way of getting an image into a registry, and what it took."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from parts.real_registry import Registry

from bench.process import kfslim
from bench.show import mb, seconds, table
from bench.workspace import stored_bytes


@dataclass(frozen=True)
class Way:
    """What one way took; None where it was not measured: a daemon's CPU and memory."""

    name: str
    seconds: float
    parts: Mapping[str, float] = field(default_factory=dict)
    pushed_bytes: int | None = None
    content_bytes: int | None = None
    disk_bytes: int | None = None
    tree_bytes: int | None = None
    largest_bytes: int | None = None
    cpu_seconds: float | None = None


@contextmanager
def pushed(registry: Registry) -> Iterator[Callable[[], int]]:
    """Yield what tells, after the block, how many bytes of blobs the registry got in it."""
    before = stored_bytes(registry.storage)
    yield lambda: stored_bytes(registry.storage) - before


def sizes(reference: str) -> tuple[int, int]:
    """Return content and disk size of an image, as kfslim measures it."""
    measured = json.loads(kfslim("measure", reference, "--json").output)
    return measured["content_bytes"], measured["disk_bytes"]


def table_of(ways: Sequence[Way]) -> None:
    """Print ways side by side."""
    rows = [
        (
            way.name,
            seconds(way.seconds),
            seconds(way.cpu_seconds),
            ", ".join(f"{name} {seconds(part)}" for name, part in way.parts.items()),
            mb(way.pushed_bytes),
            mb(way.content_bytes),
            mb(way.disk_bytes),
            mb(way.tree_bytes),
            mb(way.largest_bytes),
        )
        for way in ways
    ]
    head = (
        "way",
        "wall",
        "CPU",
        "of which",
        "pushed",
        "content",
        "disk",
        "memory, all",
        "largest process",
    )
    table(head, rows)
