"""Squarified treemaps (Bruls, Huizing, van Wijk: "Squarified Treemaps", 2000)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_LEAST = 1e-12  # rounding may leave no room at all for the last boxes


class Box(NamedTuple):
    """A rectangle in the unit of the area that was divided."""

    x: float
    y: float
    width: float
    height: float


def squarify(sizes: Sequence[float], width: float, height: float) -> list[Box]:
    """Divide ``width`` × ``height`` into one box per size, in proportion, as square as can be.

    ``sizes`` are positive and in falling order; the boxes come in the same order and cover the
    area exactly.
    """
    total = sum(sizes)
    if not sizes or total <= 0:
        return []
    areas = [size * width * height / total for size in sizes]
    boxes: list[Box] = []
    free = Box(0.0, 0.0, width, height)
    while areas:
        side = max(min(free.width, free.height), _LEAST)
        row = _best_row(areas, side)
        placed, free = _place(areas[:row], free)
        boxes += placed
        areas = areas[row:]
    return boxes


def _best_row(areas: Sequence[float], side: float) -> int:
    """Return how many of ``areas`` to lay along ``side`` before their shapes get worse."""
    count, worst = 1, _worst(areas[:1], side)
    while count < len(areas):
        longer = _worst(areas[: count + 1], side)
        if longer > worst:
            break
        count, worst = count + 1, longer
    return count


def _worst(row: Sequence[float], side: float) -> float:
    """Return the worst aspect ratio of ``row`` laid along ``side``."""
    depth = sum(row) / side
    return max(max(area / depth / depth, depth * depth / area) for area in row)


def _place(row: Sequence[float], free: Box) -> tuple[list[Box], Box]:
    """Lay ``row`` along the shorter side of ``free``; return its boxes and what stays free."""
    upright = free.width >= free.height
    side = max(free.height if upright else free.width, _LEAST)
    room = free.width if upright else free.height
    depth = max(min(sum(row) / side, room), _LEAST)
    boxes, offset = [], 0.0
    for area in row:
        length = area / depth
        if upright:
            boxes.append(Box(free.x, free.y + offset, depth, length))
        else:
            boxes.append(Box(free.x + offset, free.y, length, depth))
        offset += length
    if upright:
        return boxes, Box(free.x + depth, free.y, free.width - depth, free.height)
    return boxes, Box(free.x, free.y + depth, free.width, free.height - depth)
