"""``kfslim build``: a plan → published images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kfslim.cli.options import FILE, builder, common, config, insecure


@click.command("build")
@click.argument("plan_path", metavar="PLAN", type=FILE)
@click.option("--to", metavar="REF", help="Where images go: docker://host/repo or oci:DIR.")
@click.option("--pull-from", metavar="NAME", help="The repository's name for the nodes.")
@builder
@config
@insecure
@common
def command(plan_path: Path, to: str | None, pull_from: str | None, **options: Any) -> None:
    """Build and publish the images of PLAN; look at nothing else.

    The same plan gives the same digests on any machine, at any time; with --builder engine the
    same files, but other digests.  What the destination has is neither built nor pushed again.

    \b
    kfslim build kfslim.lock.json --to docker://registry/ml/retrain
    kfslim build kfslim.lock.json --to docker://registry/ml/retrain --builder engine
    """
    from kfslim.cli.session import Session
    from kfslim.flow.building import build_images
    from kfslim.model import load_document
    from kfslim.plan.model import Plan

    with Session(options, beside=plan_path) as session:
        plan = load_document(Plan, plan_path)
        target = session.target(to)
        built = build_images(
            session.context,
            plan,
            target,
            session.pull_from(pull_from),
            builder=session.builder,
        )
        result = built.result()
        if session.as_json:
            session.show(result)
        elif not session.quiet:
            from kfslim.report.plans import print_build

            print_build(result)
