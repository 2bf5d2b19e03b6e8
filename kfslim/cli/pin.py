"""``kfslim pin``: published digests → the compiled pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kfslim.cli.options import FILE, builder_name, common, config, insecure


@click.command("pin")
@click.argument("pipeline", type=FILE)
@click.option("--plan", "plan_path", type=FILE, required=True, help="The plan that was built.")
@click.option("--to", metavar="REF", help="Where the images of the plan were published.")
@click.option("-o", "--output", type=FILE, help="The pinned pipeline. [default: stdout]")
@click.option("--pull-from", metavar="NAME", help="The repository's name for the nodes.")
@builder_name
@config
@insecure
@common
def command(
    pipeline: Path,
    plan_path: Path,
    to: str | None,
    output: Path | None,
    pull_from: str | None,
    **options: Any,
) -> None:
    """Write the digests of published images into PIPELINE.

    Image and command of each planned step change, nothing else: the run-time pip install goes, the
    image is pinned by digest.  Every image must be at --to under its tag.

    \b
    kfslim pin pipeline.yaml --plan kfslim.lock.json --to docker://registry/ml/retrain -o slim.yaml
    """
    from kfslim.cli.session import Session
    from kfslim.flow.pinning import pin_published
    from kfslim.model import load_document
    from kfslim.plan.model import Plan

    with Session(options, beside=pipeline) as session:
        done = pin_published(
            session.context,
            session.read(pipeline),
            load_document(Plan, plan_path),
            session.target(to),
            session.pull_from(pull_from),
            where=str(pipeline),
            builder=session.builder,
        )
        session.write_text(output, done.pipeline)
        if session.as_json:
            session.show(done)
        elif output and not session.quiet:
            for executor, reference in done.pins.items():
                click.echo(f"{executor}  {reference}")
