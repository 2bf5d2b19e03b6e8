"""``kfslim trial``: images of a plan, tried as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kfslim.cli.options import FILE, FOLDER, common, insecure, planning, trying


@click.command("trial")
@click.argument("pipeline", type=FILE)
@click.option("--plan", "plan_path", type=FILE, help="Try the images of this plan.")
@click.option("--to", metavar="REF", help="Where images of the plan may lie already.")
@click.option("--step", "steps", multiple=True, metavar="NAME", help="Only this one. Repeatable.")
@click.option("--report", "report_dir", type=FOLDER, help="Keep the trials' logs here.")
@click.option(
    "--record", type=FOLDER, help="Keep the inputs of steps that ran here, a folder for each."
)
@trying
@planning
@insecure
@common
def command(
    pipeline: Path,
    plan_path: Path | None,
    to: str | None,
    steps: tuple[str, ...],
    report_dir: Path | None,
    record: Path | None,
    **options: Any,
) -> None:
    """Try the steps of PIPELINE on this machine, and change nothing.

    PIPELINE is the compiled pipeline.  Each step is tried in the image that --plan has for it, or
    that it would get; an image that lies at --to is taken from there, others are made here and
    sent nowhere.  All that its source imports is imported and its executor is started; with --run
    the step itself runs, on what the steps before it made.  It ends with 1 when a trial fails.

    \b
    kfslim trial pipeline.yaml --plan kfslim.lock.json --run
    kfslim trial pipeline.yaml --step train --record trial
    """
    from kfslim.cli.session import Session
    from kfslim.errors import GateError, InputError
    from kfslim.files import check_writable
    from kfslim.flow.trying import try_as_they_are

    with Session(options, beside=pipeline) as session:
        check_writable(report_dir and report_dir / "trials", record and record / "inputs")
        if plan_path and not plan_path.exists():
            raise InputError(f"{plan_path}: there is no such plan")
        result = try_as_they_are(
            session.context,
            session.read(pipeline),
            session.planning,
            session.trial(report_dir, record),
            plan=session.plan(plan_path),
            steps=steps,
            target=session.target(to) if to else None,
            where=str(pipeline),
        )
        if session.as_json:
            session.show(result)
        elif not session.quiet:
            from kfslim.report.trials import print_trials

            print_trials(result)
        failed = [step for step in result.steps if step.trial.outcome == "failed"]
        if failed:
            raise GateError(
                f"the trial of step {failed[0].name} failed: {failed[0].trial.failure}",
                hint=f"So did {', '.join(s.name for s in failed[1:])}." if failed[1:] else "",
            )
