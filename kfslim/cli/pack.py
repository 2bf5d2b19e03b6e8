"""``kfslim pack``: a file → text that fits into an input of a pipeline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from kfslim.cli.options import FILE, common


@click.command("pack")
@click.argument("path", metavar="FILE", type=FILE)
@common
def command(path: Path, **options: Any) -> None:
    """Print a compiled pipeline or a plan as one line, for an input of kfslim's pipelines.

    What is packed is a quarter as long, and holds nothing that Kubeflow would take for a
    placeholder of its own.

    \b
    kfslim pack pipeline.yaml
    """
    from kfslim.cli.session import Session
    from kfslim.tasks.packing import pack

    with Session(options) as session:
        packed = pack(session.read(path))
        click.echo(json.dumps({"packed": packed}) if session.as_json else packed)
