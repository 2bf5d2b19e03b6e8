"""The cluster settings that hold while a pipeline is written down."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

from kfslim.cluster.settings import ClusterSettings
from kfslim.steps.configfile import load_config

VARIABLE = "KFSLIM_CONFIG"  # a kfslim.toml or pyproject.toml, for whoever compiles pipelines
_settings: ContextVar[ClusterSettings | None] = ContextVar("kfslim_cluster", default=None)


@contextmanager
def in_cluster(settings: ClusterSettings | None) -> Iterator[None]:
    """Give ``settings`` to all of kfslim's tasks that are made in the block; None changes nothing.

    ::

        with in_cluster(ClusterSettings(registry_secret="push", pull_secrets=("pull",))):
            slim(train(...), registry)
    """
    token = _settings.set(settings or _settings.get())
    try:
        yield
    finally:
        _settings.reset(token)


def settings() -> ClusterSettings:
    """Return the settings in force: the block's, else those of ``KFSLIM_CONFIG``, else defaults.

    Raises:
        BadConfig: ``KFSLIM_CONFIG`` names a file that cannot be used.
    """
    named = os.environ.get(VARIABLE)
    return _settings.get() or _from_file(Path(named) if named else None)


@cache
def _from_file(path: Path | None) -> ClusterSettings:
    return load_config(path).cluster
