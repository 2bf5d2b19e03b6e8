"""All that decides the bytes of one layer, and the key that names it in every cache."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kfslim.build.prune import Policy
from kfslim.canonical import value_digest
from kfslim.errors import BadPlan
from kfslim.lock.model import Locked
from kfslim.oci.compress import Codec
from kfslim.plan.model import FORMAT, ImagePlan
from kfslim.plan.tried import Cut

_RECORDS = 2  # of how RECORD is written; raised for what vendors the RECORDs of others


@dataclass(frozen=True)
class Recipe:
    """One layer of finished distributions.

    ``bytecode`` is the identity of the interpreter that compiles, empty for no bytecode.  ``cuts``
    are what is left out of them.  A ``pack`` is a layer for the cache alone: the bytecode of all
    modules of one distribution and nothing else, for ``bytecode_layer`` to choose from.
    """

    distributions: tuple[Locked, ...]
    environment: str
    minor: str
    bytecode: str
    policy: Policy
    codec: Codec
    cuts: tuple[Cut, ...] = ()
    pack: bool = False

    @cached_property
    def key(self) -> str:
        """64 hex digits; equal for layers of equal bytes, whatever plan they are in."""
        value: dict[str, Any] = {
            "format": FORMAT,
            "records": _RECORDS,
            "environment": self.environment,
            "python": self.minor,
            "bytecode": self.bytecode,
            "codec": self.codec.model_dump(mode="json"),
            "distributions": [self._part(locked) for locked in self.distributions],
            **({"pack": True} if self.pack else {}),
        }
        return value_digest(value).removeprefix("sha256:")

    def _part(self, locked: Locked) -> dict[str, Any]:
        cut = self.cut(locked.name)
        return {
            "name": locked.name,
            "version": locked.version,
            "sha256": locked.sha256,
            "installed_sha256": locked.installed_sha256,
            "modules": locked.modules,
            "prune": [rule.name for rule in self.policy.rules_for(locked.name)],
            **({"cut": value_digest(cut)} if cut else {}),
        }

    def cut(self, name: str) -> tuple[str, ...]:
        """Return what is cut from one distribution: files, and folders with a slash at the end."""
        return next((cut.paths for cut in self.cuts if cut.name == name), ())

    @property
    def created_by(self) -> str:
        """The line that ``docker history`` shows."""
        return "kfslim: " + ", ".join(f"{d.name} {d.version}" for d in self.distributions)


def recipes(plan: ImagePlan) -> tuple[Recipe, ...]:
    """Return the layers of a plan in its order, the KFP executor's last.

    Raises:
        BadPlan: a layer names a distribution that is not in the lock, an unknown prune rule, or
            bytecode is wanted and the plan does not say whose.
    """
    identity = _compiler(plan) if plan.bytecode == "all" else ""
    locked = {d.name: d for d in plan.lock.distributions}
    groups = [[_locked(locked, name) for name in layer.names] for layer in plan.layers]
    if plan.runtime:
        groups.append([plan.runtime])
    policy, minor = Policy.parse(plan.prune), plan.base.python.minor
    cuts = {cut.name: cut for cut in plan.cut}
    return tuple(
        Recipe(
            tuple(group),
            plan.environment,
            minor,
            identity,
            policy,
            plan.codec,
            tuple(cuts[d.name] for d in group if d.name in cuts),
        )
        for group in groups
    )


def packs(plan: ImagePlan) -> dict[str, Recipe]:
    """Return the packs of the distributions in ``plan.compiled``, by name.

    Nothing that is cut matters to them, so that images that go without different files share them.

    Raises:
        BadPlan: as :func:`recipes`.
    """
    locked = {d.name: d for d in (*plan.lock.distributions, *filter(None, [plan.runtime]))}
    fast = plan.codec.model_copy(update={"level": 1})  # it never leaves the cache
    policy, minor = Policy.parse(plan.prune), plan.base.python.minor
    return {
        compiled.name: Recipe(
            (_locked(locked, compiled.name),),
            plan.environment,
            minor,
            _compiler(plan),
            policy,
            fast,
            pack=True,
        )
        for compiled in plan.compiled
    }


def _compiler(plan: ImagePlan) -> str:
    if not plan.base.python.identity:
        raise BadPlan("the plan wants bytecode but names no interpreter to compile it")
    return plan.base.python.identity


def _locked(locked: dict[str, Locked], name: str) -> Locked:
    try:
        return locked[name]
    except KeyError:
        raise BadPlan(f"a layer of the plan names {name}, which is not in its lock") from None
