"""A trace of a step → what its image may be: modules to compile, what to spare, what to cut.

Pure.  A file counts as used where the run opened, mapped or imported it; that a folder was listed
counts nothing.  What a start loads is enough to know what to compile; only a whole run tells what
may be left out, and it tells only what Python or the loader would have opened: data that native
code reads is never seen.  See docs/layers.md for the rules.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from kfslim.build.bytecode_layer import source_path
from kfslim.build.content import site_tree
from kfslim.build.prune import Policy
from kfslim.errors import BadPlan
from kfslim.lock.tree import Installed, site_packages
from kfslim.plan.model import ImagePlan, StepPlan
from kfslim.plan.tried import Compiled
from kfslim.trial.model import Trace


def check_trace(trace: Trace, step: StepPlan) -> None:
    """Refuse a trace of another step, or of what this one was before.

    Raises:
        BadPlan: it is one.
    """
    if trace.step_digest != step.step_digest:
        raise BadPlan(
            f"step {step.name}: the trace is of {trace.step}, {trace.step_digest[:19]}, and the "
            f"plan is {step.step_digest[:19]}",
            hint="Run the trial again.",
        )


def used_files(trace: Trace, image: ImagePlan) -> frozenset[str]:
    """Return what was used below the environment's site-packages, relative to that.

    Bytecode stands for its source.
    """
    site = f"{image.environment}/{site_packages(image.base.python.minor)}/"
    seen = (*trace.modules.values(), *trace.files, *trace.mapped, *trace.programs)
    inside = (path.removeprefix(site) for path in seen if path.startswith(site))
    return frozenset(source_path(p) if p.endswith(".pyc") else p for p in inside)


def compiled_by(
    trace: Trace, image: ImagePlan, modules: Mapping[str, Iterable[str]]
) -> tuple[Compiled, ...]:
    """Return the modules that the run loaded, by distribution: what deserves bytecode.

    ``modules`` are the dotted names in each distribution (``Anatomy.modules``).  Where two hold
    the same one, it is the later layer's: that is whose source is seen in the image.
    """
    owners: dict[str, str] = {}
    for name in (name for layer in image.layers for name in layer.names):
        owners |= dict.fromkeys(modules.get(name, ()), name)
    mine = dict.fromkeys(image.runtime.modules or (), image.runtime.name) if image.runtime else {}
    found: dict[str, list[str]] = {}
    for path in sorted(p for p in used_files(trace, image) if p.endswith(".py")):
        if owner := mine.get(path) or owners.get(module_name(path)):
            found.setdefault(owner, []).append(path)
    return tuple(Compiled(name=name, modules=tuple(found[name])) for name in sorted(found))


def module_name(path: str) -> str:
    """Return ``a.b`` of ``a/b/__init__.py``, ``a.c`` of ``a/c.py`` and of ``a/c.abi3.so``."""
    *folders, name = path.split("/")
    stem = name.partition(".")[0]
    return ".".join(folders if stem == "__init__" else [*folders, stem])


def spared(
    image: ImagePlan,
    installed: Sequence[Installed],
    files: Collection[str],
    modules: Collection[str] = (),
) -> tuple[str, ...]:
    """Return the image's prune rules, switched off for each distribution whose files are wanted.

    ``files`` are absolute paths in the image, ``modules`` dotted names: of a trace of the unpruned
    image, or of what a failed trial did not find.
    """
    site = f"{image.environment}/{site_packages(image.base.python.minor)}/"
    wanted = {path.removeprefix(site) for path in files if path.startswith(site)}
    names, policy = set(modules), Policy.parse(image.prune)
    found = {
        f"{rule}!{one.locked.name}"
        for one in installed
        for path, rule in policy.removed(
            one.locked.name, site_tree(one, image.base.python.minor)
        ).items()
        if path in wanted or (path.endswith((".py", ".so")) and module_name(path) in names)
    }
    return tuple(sorted({*image.prune, *found}))
