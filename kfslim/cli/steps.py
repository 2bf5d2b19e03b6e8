"""``kfslim steps``: what kfslim understood of a pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kfslim.cli.options import FILE, common, config


@click.command("steps")
@click.argument("pipeline", type=FILE)
@config
@common
def command(pipeline: Path, **options: Any) -> None:
    """Show what PIPELINE says of each step: image, packages, kfp version, resources.

    Nothing is read from a registry or an index.  Steps that would be left alone whatever their
    image holds say why.
    """
    from kfslim.cli.session import Session
    from kfslim.flow.reading import read_steps

    with Session(options, beside=pipeline) as session:
        found = read_steps(session.context, session.read(pipeline), str(pipeline))
        if session.as_json:
            session.show(found)
        elif not session.quiet:
            from kfslim.report.plans import print_steps

            print_steps(found)
