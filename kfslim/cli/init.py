"""``kfslim init``: a configuration to begin with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from kfslim.cli.options import FILE, common
from kfslim.errors import InputError


@click.command("init")
@click.argument("pipeline", type=FILE)
@click.option("-o", "--output", type=FILE, help="[default: kfslim.toml beside the pipeline]")
@click.option("--to", metavar="REF", default="", help="Where images go: docker://host/repo.")
@click.option("--force", is_flag=True, help="Replace the file that is there.")
@common
def command(pipeline: Path, output: Path | None, to: str, force: bool, **options: Any) -> None:
    """Write a commented kfslim.toml for PIPELINE.

    Every setting is there with its meaning, and one table for each step with what the pipeline says
    of it.  As it stands it changes nothing.

    \b
    kfslim init pipeline.yaml --to docker://registry.example.com/ml/retrain
    """
    from kfslim.cli.session import Session
    from kfslim.files import write_atomic
    from kfslim.oci import parse_reference
    from kfslim.steps.ir import read_pipeline
    from kfslim.steps.starter import starter_config

    path = output or pipeline.parent / "kfslim.toml"
    if to:
        parse_reference(to)
    with Session(options, beside=pipeline) as session:
        text = starter_config(read_pipeline(session.read(pipeline), str(pipeline)), to)
        if path.exists() and not force:
            raise InputError(f"{path} is there already", hint="--force replaces it.")
        write_atomic(path, text)
        if session.as_json:
            click.echo(json.dumps({"path": str(path)}))
        elif not session.quiet:
            click.echo(f"wrote {path}")
