"""What every task of kfslim's components gets: caching off, retries, the cluster's settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kfp.dsl.pipeline_context import Pipeline
from kfp.dsl.python_component import PythonComponent

from kfslim.cluster.apply import apply
from kfslim.dsl.ambient import settings


class TaskComponent(PythonComponent):  # type: ignore[misc]  # kfp has no types
    """A component whose tasks are never answered from the cache and are tried again.

    A cached "assembled" would lie about a registry that was cleaned since.  Registries and indexes
    have bad moments; a second try finds what the first one has pushed.
    """

    def __init__(self, made: PythonComponent, retries: int) -> None:
        super().__init__(made.component_spec, made.python_func)
        self.retries = retries

    def __call__(self, *args: Any, **arguments: Any) -> Any:
        """Make a task; where there is no pipeline around, run it (``kfp.local``)."""
        task = super().__call__(*args, **arguments)
        if Pipeline.get_default_pipeline() is None:
            return task
        task.set_caching_options(False)
        if self.retries:
            task.set_retry(self.retries, backoff_duration="10s", backoff_factor=2.0)
        return apply(task, settings())


def task_defaults(*, retries: int) -> Callable[[PythonComponent], TaskComponent]:
    """Decorate a component of kfslim: ``@task_defaults(retries=2)`` over ``@dsl.component``."""
    return lambda made: TaskComponent(made, retries)
