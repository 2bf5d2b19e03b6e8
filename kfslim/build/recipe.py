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


@dataclass(frozen=True)
class Recipe:
    """One layer of finished distributions.

    ``bytecode`` is the identity of the interpreter that compiles, empty for no bytecode.
    """

    distributions: tuple[Locked, ...]
    environment: str
    minor: str
    bytecode: str
    policy: Policy
    codec: Codec

    @cached_property
    def key(self) -> str:
        """64 hex digits; equal for layers of equal bytes, whatever plan they are in."""
        value: dict[str, Any] = {
            "format": FORMAT,
            "environment": self.environment,
            "python": self.minor,
            "bytecode": self.bytecode,
            "codec": self.codec.model_dump(mode="json"),
            "distributions": [self._part(locked) for locked in self.distributions],
        }
        return value_digest(value).removeprefix("sha256:")

    def _part(self, locked: Locked) -> dict[str, Any]:
        return {
            "name": locked.name,
            "version": locked.version,
            "sha256": locked.sha256,
            "installed_sha256": locked.installed_sha256,
            "modules": locked.modules,
            "prune": [rule.name for rule in self.policy.rules_for(locked.name)],
        }

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
    identity = plan.base.python.identity if plan.bytecode == "all" else ""
    if plan.bytecode == "all" and not identity:
        raise BadPlan("the plan wants bytecode but names no interpreter to compile it")
    locked = {d.name: d for d in plan.lock.distributions}
    groups = [[_locked(locked, name) for name in layer.names] for layer in plan.layers]
    if plan.runtime:
        groups.append([plan.runtime])
    policy = Policy.parse(plan.prune)
    return tuple(
        Recipe(tuple(group), plan.environment, plan.base.python.minor, identity, policy, plan.codec)
        for group in groups
    )


def _locked(locked: dict[str, Locked], name: str) -> Locked:
    try:
        return locked[name]
    except KeyError:
        raise BadPlan(f"a layer of the plan names {name}, which is not in its lock") from None
