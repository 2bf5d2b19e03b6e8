"""What to put back when a trial fails on a slimmed image.

The names of what was removed, as ``StepPlan.put_back`` has them:

- ``pandas``: a distribution that was dropped, with all that it requires;
- ``tests!numpy``: a prune rule, switched off for one distribution; ``tests``: for all;
- ``cut!numpy``: what a trace of another run cut from a distribution;
- ``*``: everything, and no prune rule.

First the failure itself is asked: what it names and was removed comes back.  Where it names
nothing, :func:`bisect` searches.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from kfslim.audit.graph import Environment
from kfslim.build.traced import module_name, spared
from kfslim.lock.tree import Installed
from kfslim.plan.model import ImagePlan, StepPlan
from kfslim.plan.tried import Cut, Dropped
from kfslim.trial.model import Failure

CUT = "cut!"
_SITE = "-packages/"


def culprits(
    failures: Sequence[Failure],
    step: StepPlan,
    image: ImagePlan,
    environment: Environment,
    installed: Sequence[Installed] = (),
) -> dict[str, str]:
    """Return what ``failures`` miss of what was removed from ``image``, with the reason.

    ``installed`` are the distributions that ``image`` holds, before pruning.
    """
    found: dict[str, str] = {}
    dropped = [one for one in step.dropped if one.platform == image.base.platform]
    for failure in failures:
        modules = {*failure.modules, *map(_dotted, failure.files)}
        names = {
            *_dropped(failure.distributions, modules, dropped, environment),
            *(f"{CUT}{cut.name}" for cut in image.cut if _touches(cut, modules, failure.files)),
            *(set(spared(image, installed, failure.files, modules)) - set(image.prune)),
        }
        found |= {name: failure.text for name in sorted(names) if name not in found}
    return found


def _dropped(
    names: Iterable[str],
    modules: Iterable[str],
    dropped: Sequence[Dropped],
    environment: Environment,
) -> set[str]:
    """Return the dropped distributions that are missed; of several that have a module, one."""
    sizes = {one.locked.name: one.locked.content_bytes for one in dropped}
    found = {name for name in names if name in sizes}
    for module in modules:
        owners = [name for name in environment.owners(module) if name in sizes]
        if owners and not found.intersection(owners):
            found.add(min(owners, key=lambda name: (sizes[name], name)))
    return found


def _touches(cut: Cut, modules: Collection[str], files: Collection[str]) -> bool:
    """Tell whether something that is missed was cut."""
    inside = {path.rpartition(_SITE)[2] for path in files}
    for path in cut.paths:
        name = module_name(path) if not path.endswith("/") else path[:-1].replace("/", ".")
        if any(module == name or module.startswith(f"{name}.") for module in modules):
            return True
        if any(one == path or (path.endswith("/") and one.startswith(path)) for one in inside):
            return True
    return False


def _dotted(path: str) -> str:
    """``/opt/kfslim/lib/python3.11/site-packages/a/b/data.json`` → ``a.b.data``."""
    inside = path.rpartition(_SITE)[2] if _SITE in path else ""
    return module_name(inside) if inside else ""


def removed(step: StepPlan, image: ImagePlan) -> list[str]:
    """Return all that could be put back, most likely first: cuts, prune rules, distributions.

    Of the distributions that one requirement brought, the requirement's own, where that went.
    """
    dropped = [one for one in step.dropped if one.platform == image.base.platform]
    names = {one.locked.name for one in dropped}
    heads = [_head(one, names) for one in dropped]
    rules = [rule for rule in image.prune if "!" not in rule]
    return [*(f"{CUT}{cut.name}" for cut in image.cut), *rules, *dict.fromkeys(heads)]


def _head(one: Dropped, names: Collection[str]) -> str:
    head = one.requirement.partition("[")[0].strip()
    for mark in " <>=!~;":
        head = head.partition(mark)[0]
    head = head.lower().replace("_", "-").replace(".", "-")
    return head if head in names else one.locked.name


def bisect(
    items: Sequence[str], passes: Callable[[Collection[str]], bool], tries: int
) -> tuple[str, ...]:
    """Return items that are enough for ``passes``, by at most ``tries`` questions.

    All of them are known to be enough, and none of them to be too few.  With enough tries each
    item of the result is needed with those before it; with too few the result is larger.
    """
    needed: list[str] = []
    rest = list(items)
    while True:
        low, high = 0, len(rest)  # needed + rest[:high] is enough, needed + rest[:low] is not
        while high - low > 1 and tries:
            middle, tries = (low + high) // 2, tries - 1
            if passes([*needed, *rest[:middle]]):
                high = middle
            else:
                low = middle
        if not tries:
            return (*needed, *rest[:high])
        needed.append(rest[high - 1])
        rest = rest[: high - 1]
        tries -= 1
        if not rest or passes(needed):
            return tuple(needed)
