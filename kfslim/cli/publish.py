"""``kfslim publish``: finished images → another place, digests unchanged."""

from __future__ import annotations

from typing import Any

import click

from kfslim.cli.options import common, insecure


@click.command("publish")
@click.argument("source", metavar="SOURCE")
@click.option("--to", metavar="REF", required=True, help="Where images go.")
@insecure
@common
def command(source: str, to: str, **options: Any) -> None:
    """Copy the images of SOURCE (a layout or repository; all of it, or one tag).

    Digests stay what they are, so a pipeline pinned with --pull-from runs on them at once.  What
    the destination has is not sent again.

    \b
    kfslim publish oci:images --to docker://registry/ml/retrain
    """
    from kfslim.cli.session import Session
    from kfslim.flow.publishing import publish
    from kfslim.oci import parse_reference

    with Session(options) as session:
        done = publish(session.context, parse_reference(source), session.target(to))
        if session.as_json:
            session.show(done)
        elif not session.quiet:
            for image in done.images:
                click.echo(f"{image.tag}  {image.reference}")
