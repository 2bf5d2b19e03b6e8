"""Options that lead to a Kubeflow Pipelines backend, and what they become."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kfslim.cli.options import FILE

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from kfslim.schedule.api import Backend

F = TypeVar("F", bound=Callable[..., Any])

namespace = click.option(
    "-n",
    "--namespace",
    default="",
    envvar="KFSLIM_NAMESPACE",
    help="Kubernetes namespace. [env: KFSLIM_NAMESPACE]",
)


def backend(function: F) -> F:
    """Add ``--host``, ``--token-file`` and ``--namespace``."""
    for option in (
        namespace,
        click.option(
            "--token-file",
            type=FILE,
            help="A file with a bearer token for the backend. [env: KF_PIPELINES_SA_TOKEN_PATH]",
        ),
        click.option(
            "--host",
            default="",
            help="URL of the Kubeflow Pipelines API. [env: KF_PIPELINES_ENDPOINT]",
        ),
    ):
        function = option(function)
    return function


@contextmanager
def open_backend(options: dict[str, Any]) -> Iterator[Backend]:
    """Open the backend that the options name."""
    from kfslim.schedule.api import Backend

    token: Path | None = options.get("token_file")
    opened = Backend(options.get("host") or "", options.get("namespace") or "", token)
    try:
        yield opened
    finally:
        opened.close()


def node_credentials(
    names: tuple[str, ...], options: dict[str, Any]
) -> AbstractContextManager[object]:
    """Use the cluster's pull secrets for registries, as its nodes do; without names our own."""
    if not names:
        return nullcontext()
    from kfslim.cluster.client import Cluster
    from kfslim.cluster.secrets import docker_config, read_pull_secrets

    cluster = Cluster(options.get("namespace") or "")
    try:
        return docker_config(read_pull_secrets(cluster, names))
    finally:
        cluster.close()
