"""``kfslim audit``: which requirements are needed, why, and what each costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kfslim.cli.options import FILE, common, config, insecure

PATH = click.Path(path_type=Path)


def _budgets(function: Any) -> Any:
    """Add what makes an audit fail."""
    for option in (
        click.option(
            "--max-growth-percent",
            type=click.FloatRange(min=0),
            metavar="N",
            help="And by more than this.",
        ),
        click.option(
            "--max-growth-bytes",
            metavar="SIZE",
            help="Fail when a step's packages grew by more than this since --against.",
        ),
        click.option(
            "--max-content",
            metavar="SIZE",
            help='Fail when what a step keeps weighs more, like "150 MB".',
        ),
        click.option(
            "--fail-on",
            multiple=True,
            metavar="CODE",
            help="Fail on findings of this code or action (KS201, remove); commas between several.",
        ),
    ):
        function = option(function)
    return function


@click.command("audit")
@click.argument("subject", type=PATH)
@click.option("--requirements", type=FILE, help="What a source tree declares, if not found in it.")
@click.option(
    "--group",
    "groups",
    multiple=True,
    metavar="NAME",
    help="Of a pyproject.toml, audit this dependency group or extra, too. Repeatable.",
)
@click.option("--step", "steps", multiple=True, metavar="NAME", help="Only this step. Repeatable.")
@click.option("--python", metavar="X.Y", help="[default: the step's, the config's, or this one's]")
@click.option("--platform", "platforms", multiple=True, metavar="OS/ARCH")
@click.option("--base", metavar="REF", help="Base image of all steps.")
@click.option("--no-before", is_flag=True, help="Do not read the images that steps run on today.")
@click.option("--plan", "plan_path", type=FILE, help="Keep to the versions of this plan.")
@click.option("--trace", "trace_paths", type=FILE, multiple=True, help="Of a trial of --plan.")
@click.option("--against", type=FILE, help="Tell what grew since this plan, and why.")
@click.option("--sarif", "sarif_path", type=FILE, help="Write SARIF, for pull requests.")
@click.option(
    "--patch",
    "patch_path",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="Write a patch of the requirement lists; - prints it.",
)
@click.option("--image", metavar="REF", help="Of a Dockerfile: the image that was built from it.")
@click.option(
    "--context", "folder", type=PATH, help="Of a Dockerfile. [default: the folder it lies in]"
)
@_budgets
@config
@insecure
@common
def command(subject: Path, **options: Any) -> None:
    """Audit what SUBJECT declares: which requirements are needed, why, and what each costs.

    SUBJECT is a compiled pipeline, a folder of sources, a pyproject.toml with its folder, or a
    requirements file (of a list alone nothing is told to be unused). Sources are read, never run;
    modules are looked up in what the declared packages really install. docs/audit.md explains the
    codes. Ends with 1 when --fail-on or a budget says no.

    SUBJECT may also be a Dockerfile: then its instructions are audited, what each cost with
    --image. docs/dockerfile-audit.md explains those codes; kfslim fix mends what is safe.

    \b
    kfslim audit pipeline.yaml
    kfslim audit src --requirements requirements.txt --patch -
    kfslim audit pipeline.yaml --against kfslim.lock.json --fail-on remove --sarif audit.sarif
    kfslim audit Dockerfile --image docker-daemon:train:dev --fail-on KS611
    """
    from kfslim.cli import auditing
    from kfslim.cli.session import Session
    from kfslim.flow.reviewing import is_dockerfile

    subject = auditing.from_here(subject)
    if is_dockerfile(subject):
        from kfslim.cli import reviewing

        reviewing.audit(subject, options)
        return
    auditing.check(subject, options)
    with Session(options, beside=subject / "." if subject.is_dir() else subject) as session:
        asked = auditing.Asked(session, options)
        audit = auditing.audit(session, subject, options)
        auditing.write(audit, options)
        auditing.show(session, audit, options)
        auditing.judge(audit, asked.gates(audit))
