"""``kfslim dockerfile``: the Dockerfiles that an expert would have written, from a plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kfslim.cli.options import FILE, common, insecure, planning


@click.command("dockerfile")
@click.argument("subject", type=FILE, metavar="PIPELINE-or-PLAN")
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default="docker",
    show_default=True,
    help="Where the Dockerfiles go: a folder in it for each step.",
)
@click.option("--step", "steps", multiple=True, metavar="NAME", help="Only this step. Repeatable.")
@click.option(
    "--one-file", is_flag=True, help="One Dockerfile with a target per step, its stages shared."
)
@click.option(
    "--dialect",
    type=click.Choice(["buildkit", "classic"]),
    default="buildkit",
    show_default=True,
    help="With cache and secret mounts, or for the classic builder.",
)
@click.option(
    "--base-to",
    metavar="REF",
    help="Publish bases that no engine can pull, and let FROM name them there, by digest.",
)
@click.option("--force", is_flag=True, help="Replace folders that were changed since.")
@planning
@insecure
@common
def command(subject: Path, **options: Any) -> None:
    """Write multi-stage Dockerfiles for the steps of a compiled pipeline, or of a plan of it.

    The same plan, the same packages by the same hashes, the same files left out as in the images
    that kfslim builds itself; docs/dockerfiles.md explains each line.  A folder that was written
    before is replaced, one that was changed since only by --force.  A pipeline is planned first,
    with the options of `kfslim plan`; a plan is taken as it is.

    \b
    kfslim dockerfile pipeline.yaml -o docker
    kfslim dockerfile kfslim.lock.json -o docker --one-file
    kfslim dockerfile kfslim.lock.json --base-to docker://registry/ml/bases
    docker build -t train:slim docker/train
    """
    from kfslim.cli.session import Session
    from kfslim.errors import InputError
    from kfslim.flow.writing import write_dockerfiles

    with Session(options, beside=subject) as session:
        base_to = session.target(options["base_to"]) if options["base_to"] else None
        if base_to and base_to.transport != "docker":
            raise InputError("--base-to takes a place that engines pull from: docker://…")
        result = write_dockerfiles(
            session.context,
            session.plan_of(subject),
            options["folder"],
            dialect=options["dialect"],
            wanted=options["steps"],
            one_file=options["one_file"],
            base_to=base_to,
            force=options["force"],
        )
        if session.as_json:
            session.show(result)
        elif not session.quiet:
            for one in result.dockerfiles:
                click.echo(f"{one.path}\n  {one.command}")
