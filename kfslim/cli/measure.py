"""``kfslim measure``: what images, pipelines and requirement lists weigh."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kfslim.cli.backend import namespace
from kfslim.cli.options import FILE, common, config, insecure
from kfslim.errors import InputError


@click.command("measure")
@click.argument("what", metavar="[REF | PIPELINE]...", nargs=-1)
@click.option(
    "--declared", type=FILE, help="Price a requirements file instead, before anything is built."
)
@click.option("--python", metavar="X.Y", help="With --declared: for this Python. [default: 3.11]")
@click.option("--platform", "platforms", multiple=True, metavar="OS/ARCH")
@click.option(
    "--run", metavar="RUN_ID", help="Instead: what the images of a run cost the cluster's nodes."
)
@namespace
@click.option("--full", is_flag=True, help="Read all layers, even where a label tells.")
@config
@insecure
@common
def command(
    what: tuple[str, ...], declared: Path | None, run: str | None, full: bool, **options: Any
) -> None:
    """Measure images, the steps of a compiled pipeline, a requirements file, or a run.

    Layers are read where they are: nothing is pulled into an engine or unpacked.  Content size is
    what a registry stores and a node pulls (compressed); disk size is what lies on its disk.

    \b
    kfslim measure python:3.11 docker-daemon:train:dev oci:images:train-1a2b3c4d5e6f
    kfslim measure pipeline.yaml --json
    kfslim measure --declared requirements.txt --python 3.11
    kfslim measure --run 5f1c2b7e-… --namespace ml
    """
    from kfslim.cli.measuring import measure_all, measure_declared, measure_run
    from kfslim.cli.session import Session

    if sum(map(bool, (what, declared, run))) != 1:
        raise InputError(
            "name images, a pipeline or one of --declared and --run, and only one kind of them",
            hint="kfslim measure python:3.11, or kfslim measure pipeline.yaml",
        )
    beside = declared or next((Path(w) for w in what if _is_file(w)), None)
    with Session(options, beside=beside) as session:
        if declared:
            measure_declared(session, declared)
        elif run:
            measure_run(session, run, options["namespace"])
        else:
            measure_all(session, what, full)


def _is_file(text: str) -> bool:
    return text.endswith((".yaml", ".yml")) or Path(text).is_file()
