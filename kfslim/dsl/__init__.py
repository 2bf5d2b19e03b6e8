"""For authors of KFP pipelines: run a task on its slim image, by one call.

::

    from kfp import dsl
    from kfslim.dsl import slim

    @dsl.pipeline
    def nightly(registry: str = "registry:5000/ml/nightly"):
        slim(train(rows=1000), registry)

Names load on first use: the image's name is known without the SDK.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kfslim.dsl.ambient import in_cluster
    from kfslim.dsl.defaults import task_defaults
    from kfslim.dsl.image import kfslim_image
    from kfslim.dsl.slimming import slim
    from kfslim.tasks.packing import pack

_HOMES = {
    "in_cluster": "kfslim.dsl.ambient",
    "kfslim_image": "kfslim.dsl.image",
    "pack": "kfslim.tasks.packing",
    "slim": "kfslim.dsl.slimming",
    "task_defaults": "kfslim.dsl.defaults",
}

__all__ = ["in_cluster", "kfslim_image", "pack", "slim", "task_defaults"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'kfslim.dsl' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
