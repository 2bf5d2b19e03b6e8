"""``kfslim doctor``: what is there, and what each missing part costs."""

from __future__ import annotations

from typing import Any

import click

from kfslim.cli.backend import backend
from kfslim.cli.options import common, config, insecure
from kfslim.errors import GateError


@click.command("doctor")
@click.option("--to", metavar="REF", default="", help="The repository that images go to.")
@click.option("--cluster", is_flag=True, help="Ask the cluster too, for the rights of rbac.yaml.")
@backend
@config
@insecure
@common
def command(to: str, cluster: bool, **options: Any) -> None:
    """Check this machine, the registry, the backend and the cluster.

    Nothing is changed anywhere.  Ends with 1 when a part is missing that everything needs.

    \b
    kfslim doctor --to docker://registry/ml/retrain --host https://kubeflow.example.com/pipeline
    kfslim doctor --cluster --namespace ml
    """
    from kfslim.cli.session import Session
    from kfslim.flow.doctor import diagnose

    with Session(options) as session:
        found = diagnose(
            session.context,
            to=to,
            host=options["host"],
            namespace=options["namespace"],
            cluster=cluster,
            token_file=options["token_file"],
        )
        if session.as_json:
            session.show(found)
        elif not session.quiet:
            for check in found.checks:
                click.echo(f"{check.state:9}  {check.part:16}  {check.found}")
                if check.cost:
                    click.echo(f"{'':29}without it: {check.cost}")
    if lacking := [c.part for c in found.checks if c.required and c.state != "ok"]:
        raise GateError(f"kfslim cannot work here without: {', '.join(lacking)}")
