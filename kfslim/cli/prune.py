"""``kfslim prune``: remove the images that no kept plan names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kfslim.cli.options import FILE, common, insecure


@click.command("prune")
@click.argument("repository", metavar="REPO")
@click.option(
    "--keep",
    "plans",
    type=FILE,
    multiple=True,
    required=True,
    help="A plan whose images stay. Repeatable.",
)
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would go.")
@insecure
@common
def command(repository: str, plans: tuple[Path, ...], dry_run: bool, **options: Any) -> None:
    """Remove tags of REPO that kfslim made and no kept plan names.

    Other tags are never touched.  A registry deletes manifests, so a tag that shares its image with
    a kept one stays; the space comes back with the registry's own garbage collection.

    \b
    kfslim prune docker://registry/ml/retrain --keep kfslim.lock.json --dry-run
    """
    from kfslim.cli.session import Session
    from kfslim.flow.publishing import prune
    from kfslim.model import load_document
    from kfslim.oci import parse_reference
    from kfslim.plan.model import Plan

    with Session(options) as session:
        kept = [load_document(Plan, path) for path in plans]
        done = prune(session.context, parse_reference(repository), kept, dry_run)
        if session.as_json:
            session.show(done)
        elif not session.quiet:
            verb = "would remove" if dry_run else "removed"
            if not done.removed:
                click.echo(f"nothing to remove in {done.repository}")
            for tag in done.removed:
                click.echo(f"{verb} {tag}")
            for tag, reason in done.kept.items():
                click.echo(f"kept {tag}: {reason}")
