"""Bytecode by trace of the images that are being made: what is there, and what it is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kfslim.build.built import BuiltLayer
from kfslim.build.bytecode_layer import bytecode_layer, known_bytecode
from kfslim.build.recipe import Recipe, packs
from kfslim.cache import Cache
from kfslim.flow.sending import Sender
from kfslim.plan.model import ImagePlan


class TracedBytecode:
    """The layers with bytecode by trace of ``plans``; plans without such need nothing."""

    def __init__(self, cache: Cache, plans: Iterable[ImagePlan], sending: Sender) -> None:
        self._cache = cache
        self._ready: dict[ImagePlan, BuiltLayer] = {}
        self._packs: dict[ImagePlan, dict[str, Recipe]] = {}
        for plan in plans:
            known = known_bytecode(plan, cache) if plan.compiled else None
            if known and (known.at_hand or sending.has(known.layer)):
                self._ready[plan] = known
            elif plan.compiled:
                self._packs[plan] = packs(plan)
        self.recipes = tuple(recipe for some in self._packs.values() for recipe in some.values())
        self._keys = {recipe.key for recipe in self.recipes}

    def is_pack(self, made: BuiltLayer) -> bool:
        """Tell whether a layer is for the cache alone."""
        return made.key in self._keys

    def layers(self, plan: ImagePlan, made: Mapping[str, BuiltLayer]) -> tuple[BuiltLayer, ...]:
        """Return the layer of ``plan``, if it has one; ``made`` are the packs by their keys."""
        if plan in self._ready:
            return (self._ready[plan],)
        if plan not in self._packs:
            return ()
        by_name = {name: made[recipe.key] for name, recipe in self._packs[plan].items()}
        return (bytecode_layer(plan, by_name, self._cache),)
