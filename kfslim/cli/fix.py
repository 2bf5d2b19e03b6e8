"""``kfslim fix``: mend a Dockerfile where that is safe."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kfslim.cli.options import common, config, insecure

if TYPE_CHECKING:
    from kfslim.flow.reviewing import Fixed

PATH = click.Path(path_type=Path)


@click.command("fix")
@click.argument("dockerfile", type=PATH)
@click.option(
    "--context", "folder", type=PATH, help="The build context. [default: the Dockerfile's folder]"
)
@click.option("--write", is_flag=True, help="Write the changes. [default: only show them]")
@click.option(
    "--only",
    multiple=True,
    metavar="CODE",
    help="Fix this code only; some are fixed only if named. Commas between several.",
)
@click.option("--pin", is_flag=True, help="Also pin bases to the digest of their tag today.")
@click.option("--image", metavar="REF", help="The image built from it: tell what it holds, too.")
@click.option("--platform", "platforms", multiple=True, metavar="OS/ARCH", help="Of --image.")
@config
@insecure
@common
def command(dockerfile: Path, folder: Path | None, **options: Any) -> None:
    """Mend DOCKERFILE where the image stays the same but smaller, and show the diff.

    Caches and package lists are left out, installs stand before the sources, nothing is installed
    twice, and a .dockerignore is written. What needs to know the program is left, and told why.
    docs/dockerfile-audit.md explains the codes. Nothing is written without --write.

    \b
    kfslim fix Dockerfile
    kfslim fix docker/train.Dockerfile --context . --write
    kfslim fix Dockerfile --only KS607,KS610
    """
    from kfslim.cli.reviewing import parse_codes
    from kfslim.cli.session import Session
    from kfslim.flow.reviewing import fix_dockerfile

    only = parse_codes(options["only"], "--only")
    with Session(options, beside=dockerfile) as session:
        fixed = fix_dockerfile(
            session.context,
            dockerfile,
            folder or dockerfile.parent,
            only,
            pin=options["pin"],
            image=options["image"],
            platform=session.platform,
        )
    if options["write"]:
        fixed.write()
    if options["as_json"]:
        json.dump(_json(fixed, written=options["write"]), sys.stdout, indent=2)
        sys.stdout.write("\n")
    elif not options["quiet"]:
        _show(fixed, written=options["write"])


def _json(fixed: Fixed, *, written: bool) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "dockerfile": str(fixed.path),
        "written": written and bool(fixed.diff),
        "diff": fixed.diff.encode("utf-8", "replace").decode(),
        "done": [one.model_dump(mode="json") for one in fixed.done],
        "left": [one.model_dump(mode="json") for one in fixed.left],
    }


def _show(fixed: Fixed, *, written: bool) -> None:
    from kfslim.report.reviews import print_fixed

    diff = fixed.diff
    if diff:
        click.echo(diff.encode("utf-8", "replace").decode(), nl=False)
    print_fixed(fixed.done, fixed.left, written=written, changed=bool(diff))
