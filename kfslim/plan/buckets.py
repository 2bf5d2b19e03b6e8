"""Which distributions share a layer.

A layer is the unit of sharing, pushing and pulling, so a heavy distribution is a layer of its own
and light ones share buckets.  Buckets are the leaves of a binary trie over the hash of the name: a
leaf that would grow over the limit splits by the next bit.  So the assignment depends on the set of
distributions alone, and bumping one of them rewrites no bucket but its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from kfslim.errors import Unsupported
from kfslim.lock.model import Locked
from kfslim.plan.model import Bytecode, WheelLayer

BUCKET_BYTES = 1_000_000  # content bytes; DESIGN promise 3
MAX_LAYERS = 100  # with the base; Docker 20.10 takes at most 125

# Content bytes of a layer for each of its wheel.  Bytecode weighs more than its source: over the
# seed's 153 distributions 1.9 times the wheel in the median, 3 at most; with these factors none of
# their buckets came to more than 915 kB.
# With "trace" it lies in a layer of its own.
_GROWTH_PURE = {"all": 2.8, "none": 1.2, "trace": 1.2}
_GROWTH_BINARY = {"all": 1.3, "none": 1.1, "trace": 1.1}


def assign_layers(
    distributions: Sequence[Locked], bytecode: Bytecode, taken: int = 0
) -> tuple[WheelLayer, ...]:
    """Assign distributions to layers, heaviest first, so that shared heavy layers lie lowest.

    ``taken`` layers are needed for other things (base, environment, project).  Where the rest do
    not suffice, the limit doubles until they do.

    Raises:
        Unsupported: the base alone has too many layers.
    """
    room = MAX_LAYERS - taken
    if room < 1:
        raise Unsupported(f"the base has {taken} layers; at most {MAX_LAYERS} are possible in all")
    weights = {d.name: _weight(d, bytecode) for d in distributions}
    limit = BUCKET_BYTES
    groups = _group(weights, limit)
    while len(groups) > room:
        limit *= 2
        groups = _group(weights, limit)
    return tuple(WheelLayer(names=names) for names in groups)


def _weight(locked: Locked, bytecode: Bytecode) -> int:
    """Guess the content bytes of a distribution's layer."""
    pure = locked.kind == "sdist" or locked.file.endswith("-none-any.whl")
    return int(locked.content_bytes * (_GROWTH_PURE if pure else _GROWTH_BINARY)[bytecode])


def _group(weights: dict[str, int], limit: int) -> list[tuple[str, ...]]:
    alone = sorted((n for n in weights if weights[n] > limit), key=lambda n: (-weights[n], n))
    shared = {n: weights[n] for n in weights if weights[n] <= limit}
    return [(n,) for n in alone] + _split(shared, limit, 0)


def _split(weights: dict[str, int], limit: int, depth: int) -> list[tuple[str, ...]]:
    if not weights:
        return []
    if sum(weights.values()) <= limit:
        return [tuple(sorted(weights))]
    sides: tuple[dict[str, int], dict[str, int]] = ({}, {})
    for name, weight in weights.items():
        sides[_bit(name, depth)][name] = weight
    return _split(sides[0], limit, depth + 1) + _split(sides[1], limit, depth + 1)


def _bit(name: str, depth: int) -> int:
    digest = hashlib.sha256(name.encode()).digest()
    return (digest[depth // 8] >> (7 - depth % 8)) & 1
