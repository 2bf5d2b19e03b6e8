"""``kfslim plan``: a pipeline → a plan to review and commit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kfslim.cli.options import FILE, common, insecure, planning


@click.command("plan")
@click.argument("pipeline", type=FILE)
@click.option(
    "-o",
    "--output",
    type=FILE,
    default="kfslim.lock.json",
    show_default=True,
    help="The plan. One that is there already gives the versions to keep to.",
)
@planning
@insecure
@common
def command(pipeline: Path, output: Path, **options: Any) -> None:
    """Plan the images of PIPELINE's steps, and build nothing.

    The plan holds all that decides a byte: base digests, every wheel's hash, layers, prune rules,
    codec.  It has no URLs, no times and no local paths, so it can be reviewed, committed and
    built anywhere.  An unchanged declaration keeps its versions; --upgrade takes newer ones.

    \b
    kfslim plan pipeline.yaml -o kfslim.lock.json
    kfslim plan pipeline.yaml --upgrade pandas
    """
    from kfslim.cli.session import Session
    from kfslim.files import check_writable
    from kfslim.flow.planning import make_plan
    from kfslim.flow.reading import read_steps

    with Session(options, beside=pipeline) as session:
        check_writable(output)
        steps = read_steps(session.context, session.read(pipeline), str(pipeline))
        planned = make_plan(session.context, steps, session.planning, session.plan(output))
        planned.plan.save(output)
        if session.as_json:
            session.show(planned.plan)
        elif not session.quiet:
            from kfslim.report.plans import print_plan

            print_plan(planned.plan)
