"""``kfslim slim``: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kfslim.cli.options import FILE, FOLDER, builder, common, insecure, planning, trying


@click.command("slim")
@click.argument("pipeline", type=FILE)
@click.option("--to", metavar="REF", help="Where images go: docker://host/repo or oci:DIR.")
@click.option("-o", "--output", type=FILE, help="The pinned pipeline. [default: stdout]")
@click.option("--plan", "plan_path", type=FILE, help="Keep the plan here, and keep to it.")
@click.option("--report", "report_dir", type=FOLDER, help="Write report.html and report.json here.")
@click.option("--pull-from", metavar="NAME", help="The repository's name for the nodes.")
@click.option(
    "--no-trial", is_flag=True, help="Publish images that nobody has seen running, and mark them."
)
@click.option(
    "--record", type=FOLDER, help="Keep the inputs of steps that ran here, a folder for each."
)
@builder
@trying
@planning
@insecure
@common
def command(
    pipeline: Path,
    to: str | None,
    output: Path | None,
    plan_path: Path | None,
    report_dir: Path | None,
    pull_from: str | None,
    no_trial: bool,
    record: Path | None,
    **options: Any,
) -> None:
    """Slim PIPELINE: audit, plan, build, try, publish and pin, in one go.

    PIPELINE is a compiled KFP v2 pipeline (YAML).  Every step that can be slimmed gets an image
    with what it needs of what it declares (or, where it declares nothing, of what its image
    holds).  It is tried on this machine before it is published to --to and pinned by digest; what
    it turns out to need is put back.  Steps that cannot be slimmed are left exactly as they are,
    and the report says why.

    \b
    kfslim slim pipeline.yaml --to docker://registry/ml/retrain -o slim.yaml --report out
    kfslim slim pipeline.yaml --to oci:images --pull-from registry/ml/retrain -o slim.yaml
    """
    from kfslim.cli.session import Session
    from kfslim.files import check_writable
    from kfslim.flow.slim import slim

    with Session(options, beside=pipeline) as session:
        target = session.target(to)
        check_writable(output, plan_path, report_dir and report_dir / "report.json")
        text = session.read(pipeline)
        made = slim(
            session.context,
            text,
            target,
            session.planning,
            existing=session.plan(plan_path),
            pull_from=session.pull_from(pull_from),
            where=str(pipeline),
            trial=None if no_trial else session.trial(report_dir, record),
            builder=session.builder,
        )
        session.write_text(output, made.pipeline)
        if plan_path:
            made.plan.save(plan_path)
        if report_dir:
            session.write_report(report_dir, made.report)
        session.show_report(made.report, on_stdout=output is not None)
