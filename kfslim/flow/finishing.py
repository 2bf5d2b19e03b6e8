"""What passed trials tell of an image: bytecode of what it loads, and less of what nobody touched.

Only runs of the steps themselves leave something out, and only where that was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from kfslim.audit.graph import Environment
from kfslim.build.traced import check_trace, compiled_by, spared
from kfslim.build.untouched import cuts, untouched
from kfslim.flow.candidates import image_here, place_here
from kfslim.flow.context import Context
from kfslim.flow.deciding import Whole, leave_out
from kfslim.flow.repairing import CUT
from kfslim.lock.install import install
from kfslim.lock.tree import Installed
from kfslim.oci import Platform
from kfslim.plan.make import with_trace
from kfslim.plan.model import ImagePlan, StepPlan
from kfslim.plan.tried import Dropped
from kfslim.trial.model import Trace

IDLE = "KS201"  # nothing uses it
_WHY = "a run of the step touched no file of it"


def compiled_step(
    tried: StepPlan, step: StepPlan, trace: Trace, environment: Environment
) -> StepPlan:
    """Return ``step`` with bytecode of what ``trace`` loaded, where its image wants that.

    The trace is of ``tried``, the same step before something was cut from it.

    Raises:
        BadPlan: the trace is of another step.
    """
    check_trace(trace, tried)
    here = image_here(step)
    if here.bytecode != "trace":
        return step
    modules = {name: one.modules for name, one in environment.by_name.items()}
    return _with_image(step, with_trace(here, compiled_by(trace, here, modules), here.cut))


def cut_step(
    context: Context, whole: Whole, step: StepPlan, traces: Mapping[str, Trace]
) -> StepPlan:
    """Return ``step`` without the distributions that its run never touched, and without files.

    ``traces`` are those of all steps that were run, by executor label.  Steps share layers, so
    what one of them uses of a distribution stays for all.
    """
    own = traces.get(step.executor)
    if own is None or own.level != "run":
        return step
    others = [trace for trace in traces.values() if trace is not own and trace.level == "run"]
    keeps = context.config.for_step(whole.step.name).keep_requirements
    with context.cache.scratch() as folder:
        installed = install_image(context, image_here(step), folder)
        idle = [
            name
            for name in untouched([own], image_here(step), installed)
            if name not in step.put_back and not any(fnmatchcase(name, k) for k in keeps)
        ]
        less = leave_out(context, whole, step, place_here(step), _idle(step, idle))
        image = image_here(less)
        there = {one.name for one in image.lock.distributions}
        staying = [one for one in installed if one.locked.name in there]
        found = cuts([own, *others], image, staying)
    kept = tuple(cut for cut in found if f"{CUT}{cut.name}" not in step.put_back)
    return _with_image(less, image.model_copy(update={"cut": kept}))


def _idle(step: StepPlan, names: Iterable[str]) -> list[Dropped]:
    image = image_here(step)
    platform, wanted = image.base.platform, set(names)
    return [
        Dropped(locked=one, platform=platform, code=IDLE, requirement=one.name, why=_WHY)
        for one in image.lock.distributions
        if one.name in wanted
    ]


def needed_of_pruned(context: Context, step: StepPlan, trace: Trace) -> tuple[str, ...]:
    """Return what a run of the unslimmed image used of what ``step`` prunes: ``tests!numpy``."""
    here = image_here(step)
    files = (*trace.files, *trace.mapped, *trace.modules.values())
    with context.cache.scratch() as folder:
        rules = spared(here, install_image(context, here, folder), files)
    return tuple(sorted(set(rules) - set(here.prune)))


def install_image(context: Context, image: ImagePlan, folder: Path) -> tuple[Installed, ...]:
    """Install what ``image`` holds below ``folder``: its files before pruning.

    Raises:
        KfslimError: as :func:`kfslim.lock.install.install`.
    """
    in_layers = {name for layer in image.layers for name in layer.names}
    return install(
        context.uv,
        [one for one in image.lock.distributions if one.name in in_layers],
        python=image.base.python.minor,
        platform=Platform.parse(image.base.platform),
        folder=folder,
        environment=image.environment,
        progress=context.progress,
    )


def _with_image(step: StepPlan, image: ImagePlan) -> StepPlan:
    """Return ``step`` with another image for this machine."""
    images = list(step.images)
    images[place_here(step)] = image
    return step.model_copy(update={"images": tuple(images)})
