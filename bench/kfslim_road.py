"""kfslim's road for the seed's list: from the bare list, from a plan, bumped, and unchanged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from parts.real_registry import Registry

from bench.one_step import compile_one_step
from bench.process import Ran, kfslim
from bench.show import note
from bench.ways import Way, pushed
from bench.workspace import BASE, SEED_LIST, Workspace
from kfslim.lock.model import Locked

BUMPED = "python-dotenv"  # small, pure Python, and named in the list itself
PLAN, BUMPED_PLAN = "list.plan.json", "bumped.plan.json"
REPOSITORY = "list"


@dataclass(frozen=True)
class Road:
    """What each of the four took, and the bumped wheel."""

    from_list: Way
    from_plan: Way
    unchanged: Way
    bumped: Way
    wheel: Locked

    @property
    def ways(self) -> list[Way]:
        """All four, as they are shown."""
        return [self.from_list, self.from_plan, self.bumped, self.unchanged]


def travel(workspace: Workspace) -> Road:
    """Run all four, each cold one from an empty cache into an empty registry."""
    wanted = SEED_LIST.read_text().split()
    pipeline = compile_one_step(wanted, workspace.file("list.yaml"))
    with workspace.registry("list", empty=True) as registry, workspace.cache() as cache:
        from_list = _from_list(workspace, registry, cache, pipeline)
    with workspace.registry("plan", empty=True) as registry, workspace.cache() as cache:
        from_plan = _build("kfslim, from a plan", registry, cache, workspace.file(PLAN))
        unchanged = _build("kfslim, unchanged", registry, cache, workspace.file(PLAN))
        bumped = _bumped(workspace, registry, cache, wanted)
    return Road(from_list, from_plan, unchanged, bumped, locked(workspace, BUMPED_PLAN))


def locked(workspace: Workspace, plan: str) -> Locked:
    """Return the file that a plan has of the distribution that is bumped."""
    distributions = workspace.plan(plan).steps[0].images[0].lock.distributions
    return next(d for d in distributions if d.name == BUMPED)


def _from_list(workspace: Workspace, registry: Registry, cache: Path, pipeline: Path) -> Way:
    note("kfslim, from the bare list")
    plan = workspace.file(PLAN)
    plan.unlink(missing_ok=True)
    with pushed(registry) as sent:
        ran = kfslim(
            "slim", pipeline, "--to", registry.reference(REPOSITORY), "--base", BASE, "--no-before",
            "--no-audit", "--no-trial", "--plan", plan, "-o", workspace.file("list.slim.yaml"),
            "--cache-dir", cache, "--json",
        )  # fmt: skip
    report = json.loads(ran.output)
    parts = report["totals"]["seconds"]
    return _way("kfslim, from the bare list", ran, sent(), report["steps"][0], parts)


def _build(name: str, registry: Registry, cache: Path, plan: Path) -> Way:
    note(name)
    with pushed(registry) as sent:
        ran = kfslim(
            "build", plan, "--to", registry.reference(REPOSITORY), "--cache-dir", cache, "--json"
        )
    return _way(name, ran, sent(), json.loads(ran.output)["steps"][0], {"build": ran.seconds})


def _bumped(workspace: Workspace, registry: Registry, cache: Path, wanted: Sequence[str]) -> Way:
    """Plan another version of one distribution, the others kept; then build.

    Planning once more, with nothing to resolve, tells how much of planning is not resolving.
    """
    older = f"{BUMPED}<{locked(workspace, PLAN).version}"
    changed = [older if name == BUMPED else name for name in wanted]
    pipeline = compile_one_step(changed, workspace.file("bumped.yaml"))
    plan = workspace.file(BUMPED_PLAN)
    shutil.copyfile(workspace.file(PLAN), plan)
    arguments = (
        "plan", pipeline, "-o", plan, "--base", BASE, "--no-before", "--no-audit",
        "--cache-dir", cache, "--quiet",
    )  # fmt: skip
    resolved, again = kfslim(*arguments), kfslim(*arguments)
    built = _build("kfslim, one dependency bumped", registry, cache, plan)
    return _with_planning(built, resolved.seconds - again.seconds, again.seconds)


def _with_planning(built: Way, resolving: float, planning: float) -> Way:
    parts = {"resolve": resolving, "plan": planning, "build": built.seconds}
    return replace(built, seconds=sum(parts.values()), parts=parts)


def _way(
    name: str, ran: Ran, pushed_bytes: int, step: Mapping[str, int], parts: Mapping[str, float]
) -> Way:
    return Way(
        name,
        ran.seconds,
        parts,
        pushed_bytes,
        step["content_bytes"],
        step["disk_bytes"],
        ran.tree_bytes,
        ran.largest_bytes,
        ran.cpu_seconds,
    )
