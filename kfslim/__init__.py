"""Slim, proven container images for every step of a Kubeflow pipeline.

The library is the command line without the line: the same stages, from values to values::

    from kfslim import Context, Options, parse_reference, slim

    with Context() as context:
        made = slim(context, open("pipeline.yaml").read(), parse_reference("oci:images"), Options())
    open("slim.yaml", "w").write(made.pipeline)

Names load on first use, so that importing kfslim costs nothing.  None of them is the name of a
room (``kfslim.build``, ``kfslim.measure``), for a module would take its place.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kfslim._version import __version__

if TYPE_CHECKING:
    from kfslim.cluster.settings import ClusterSettings
    from kfslim.errors import GateError, InputError, KfslimError, OutsideError
    from kfslim.flow.before import measure_reference
    from kfslim.flow.building import build_images
    from kfslim.flow.context import Context
    from kfslim.flow.measuring import measure_steps, price
    from kfslim.flow.options import Options
    from kfslim.flow.pinning import pin_published
    from kfslim.flow.planning import make_plan
    from kfslim.flow.proving import prove
    from kfslim.flow.publishing import prune, publish
    from kfslim.flow.scheduling import roll_back, set_schedule, upload_version
    from kfslim.flow.self_image import self_image
    from kfslim.flow.slim import slim
    from kfslim.measure.model import Measurement, PipelineMeasure
    from kfslim.oci import Platform, Reference, open_reader, open_store, parse_reference
    from kfslim.pin import verify
    from kfslim.plan.model import Plan
    from kfslim.report.model import Report
    from kfslim.schedule.api import Backend
    from kfslim.schedule.trigger import make_trigger
    from kfslim.steps.configfile import load_config
    from kfslim.steps.ir import read_pipeline
    from kfslim.steps.model import Pipeline

_HOMES = {
    "kfslim.cluster.settings": ("ClusterSettings",),
    "kfslim.errors": ("GateError", "InputError", "KfslimError", "OutsideError"),
    "kfslim.flow.before": ("measure_reference",),
    "kfslim.flow.building": ("build_images",),
    "kfslim.flow.context": ("Context",),
    "kfslim.flow.measuring": ("measure_steps", "price"),
    "kfslim.flow.options": ("Options",),
    "kfslim.flow.pinning": ("pin_published",),
    "kfslim.flow.planning": ("make_plan",),
    "kfslim.flow.proving": ("prove",),
    "kfslim.flow.publishing": ("prune", "publish"),
    "kfslim.flow.scheduling": ("roll_back", "set_schedule", "upload_version"),
    "kfslim.flow.self_image": ("self_image",),
    "kfslim.flow.slim": ("slim",),
    "kfslim.measure.model": ("Measurement", "PipelineMeasure"),
    "kfslim.oci": ("Platform", "Reference", "open_reader", "open_store", "parse_reference"),
    "kfslim.pin": ("verify",),
    "kfslim.plan.model": ("Plan",),
    "kfslim.report.model": ("Report",),
    "kfslim.schedule.api": ("Backend",),
    "kfslim.schedule.trigger": ("make_trigger",),
    "kfslim.steps.configfile": ("load_config",),
    "kfslim.steps.ir": ("read_pipeline",),
    "kfslim.steps.model": ("Pipeline",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Backend",
    "ClusterSettings",
    "Context",
    "GateError",
    "InputError",
    "KfslimError",
    "Measurement",
    "Options",
    "OutsideError",
    "Pipeline",
    "PipelineMeasure",
    "Plan",
    "Platform",
    "Reference",
    "Report",
    "__version__",
    "build_images",
    "load_config",
    "make_plan",
    "make_trigger",
    "measure_reference",
    "measure_steps",
    "open_reader",
    "open_store",
    "parse_reference",
    "pin_published",
    "price",
    "prove",
    "prune",
    "publish",
    "read_pipeline",
    "roll_back",
    "self_image",
    "set_schedule",
    "slim",
    "upload_version",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'kfslim' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)
