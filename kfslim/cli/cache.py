"""``kfslim cache``: what is kept between runs."""

from __future__ import annotations

import json
from typing import Any

import click

from kfslim.cli.options import common


@click.group("cache")
def command() -> None:
    """Look at what kfslim keeps between runs, or remove it."""


@command.command("dir")
@common
def show(**options: Any) -> None:
    """Print the cache folder."""
    from kfslim.cli.session import Session

    with Session(options) as session:
        root = str(session.context.cache.root)
        click.echo(json.dumps({"path": root}) if session.as_json else root)


@command.command("clean")
@common
def clean(**options: Any) -> None:
    """Remove everything that can be made again, uv's cache for kfslim included."""
    from kfslim.cli.session import Session

    with Session(options) as session:
        freed = session.context.cache.clean()
        if session.as_json:
            click.echo(json.dumps({"disk_bytes": freed}))
        elif not session.quiet:
            from kfslim.report.sizes import human_bytes

            click.echo(f"freed {human_bytes(freed)}")
