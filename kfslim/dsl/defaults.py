"""What every task of kfslim's components gets: caching off, retries, the cluster's settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kfp.dsl.base_component import BaseComponent
from kfp.dsl.container_component_class import ContainerComponent
from kfp.dsl.pipeline_context import Pipeline
from kfp.dsl.python_component import PythonComponent

from kfslim.cluster.apply import apply, apply_to_trial
from kfslim.dsl.ambient import settings


class _Defaults(BaseComponent):  # type: ignore[misc]  # kfp has no types
    """A component whose tasks are never answered from the cache and are tried again.

    A cached "assembled" would lie about a registry that was cleaned since.  Registries and indexes
    have bad moments; a second try finds what the first one has pushed.
    """

    retries = 0
    placed = staticmethod(apply)

    def __call__(self, *args: Any, **arguments: Any) -> Any:
        """Make a task; where there is no pipeline around, run it (``kfp.local``)."""
        task = super().__call__(*args, **arguments)
        if Pipeline.get_default_pipeline() is None:
            return task
        task.set_caching_options(False)
        if self.retries:
            task.set_retry(self.retries, backoff_duration="10s", backoff_factor=2.0)
        return self.placed(task, settings())


class TaskComponent(_Defaults, PythonComponent):  # type: ignore[misc]
    """A component that runs on kfslim's own image."""


class CandidateComponent(_Defaults, ContainerComponent):  # type: ignore[misc]
    """A component that runs on an image of the user's: it gets no credentials."""

    placed = staticmethod(apply_to_trial)


def task_defaults(*, retries: int) -> Callable[[BaseComponent], _Defaults]:
    """Decorate a component of kfslim: ``@task_defaults(retries=2)`` over ``@dsl.component``."""

    def decorate(made: BaseComponent) -> _Defaults:
        found: _Defaults
        if isinstance(made, ContainerComponent):
            found = CandidateComponent(made.component_spec, made.pipeline_func)
        else:
            found = TaskComponent(made.component_spec, made.python_func)
        found.retries = retries
        return found

    return decorate
