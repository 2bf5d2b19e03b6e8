"""``kfslim context``: what Docker would send to build an image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kfslim.cli.options import common

if TYPE_CHECKING:
    from kfslim.context.model import ContextMeasure

PATH = click.Path(path_type=Path)


@click.command("context")
@click.argument("folder", type=PATH, metavar="DIR")
@click.option("-f", "--file", "dockerfile", type=PATH, help="[default: DIR/Dockerfile, if any]")
@click.option(
    "--dialect",
    type=click.Choice(["buildkit", "classic"]),
    default="buildkit",
    show_default=True,
    help="The builder whose rules count.",
)
@click.option("--write", is_flag=True, help="Write or extend the .dockerignore; shows the diff.")
@click.option("--dry-run", is_flag=True, help="With --write: only show the diff.")
@common
def command(folder: Path, **options: Any) -> None:
    """Measure the build context DIR as Docker would send it, and say what should stay out.

    Told are files, bytes and the tar stream, with the project's .dockerignore and without, the
    largest files and folders, what no image needs (version control, environments, caches, data),
    and secrets. docs/build-context.md explains the codes. Ends with 1 when it holds a secret.

    \b
    kfslim context .
    kfslim context . -f docker/train.Dockerfile --json
    kfslim context . --write
    """
    from kfslim.cli.options import print_json, progress_for
    from kfslim.context.leaks import told
    from kfslim.errors import GateError, InputError
    from kfslim.flow.contexts import measure_context

    if options["dry_run"] and not options["write"]:
        raise InputError("--dry-run goes with --write")
    given = (folder, options["dockerfile"], options["dialect"])
    measured = measure_context(*given, progress_for(options["quiet"]))
    _show(measured, options)
    if options["write"]:
        measured = _write(measured, given, options)
    if options["as_json"]:
        print_json(measured)
    if measured.leaks:
        hint = "" if options["write"] else "--write writes a .dockerignore that keeps secrets out."
        raise GateError(f"the build context holds {told(measured.leaks)}", hint=hint)


def _show(measured: ContextMeasure, options: dict[str, Any]) -> None:
    if not (options["as_json"] or options["quiet"]):
        from kfslim.report.contexts import print_context

        print_context(measured)


def _write(measured: ContextMeasure, given: Any, options: dict[str, Any]) -> ContextMeasure:
    """Write the ignore file, or only show it; return what is sent from then on."""
    from kfslim.flow.contexts import measure_context, propose_ignore
    from kfslim.report.contexts import print_gain

    folder, dockerfile, _ = given
    proposal = propose_ignore(measured, folder, dockerfile)
    aloud = not (options["as_json"] or options["quiet"])
    if aloud:
        click.echo(proposal.diff or f"{proposal.path.name} needs nothing more")
    if options["dry_run"] or not proposal.diff:
        return measured
    proposal.write()
    after = measure_context(*given)
    if aloud:
        print_gain(measured.sent, after.sent)
    return after
