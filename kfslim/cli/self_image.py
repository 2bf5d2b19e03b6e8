"""``kfslim self-image``: kfslim's own image, by its own means."""

from __future__ import annotations

from typing import Any

import click

from kfslim.cli.options import common, config, insecure


@click.command("self-image")
@click.option(
    "--to",
    metavar="REF",
    required=True,
    help="docker://host/repo, oci:DIR or docker-daemon:NAME, with a tag or kfslim's version.",
)
@click.option("--base", metavar="REF", default="deb:bookworm", show_default=True)
@click.option("--platform", metavar="OS/ARCH", help="[default: linux/amd64]")
@click.option(
    "--mirrors/--no-mirrors",
    default=True,
    show_default=True,
    help="Let the image assemble deb: bases from where this machine takes Debian packages.",
)
@config
@insecure
@common
def command(to: str, base: str, platform: str | None, mirrors: bool, **options: Any) -> None:
    """Assemble the image that kfslim's components run on in a cluster.

    It holds kfslim and its dependencies in the versions that are installed here, runs as uid 65532
    and needs no Docker to be made.  The Dockerfile of the repository gives the same by an engine.

    \b
    kfslim self-image --to docker://registry/ml/kfslim
    """
    from kfslim.cli.session import Session
    from kfslim.flow.self_image import self_image
    from kfslim.oci import Platform, parse_reference

    with Session(options) as session:
        done = self_image(
            session.context,
            parse_reference(to),
            base=base,
            platform=Platform.parse(platform) if platform else None,
            mirrors=mirrors,
        )
        if session.as_json:
            session.show(done)
        elif not session.quiet:
            from kfslim.report.sizes import human_bytes

            click.echo(f"{done.name}  {human_bytes(done.content_bytes)}  {done.reference}")
