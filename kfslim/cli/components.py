"""``kfslim components``: all compiled YAML, for an image of your own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from kfslim.cli.options import FOLDER, common, config


@click.command("components")
@click.option(
    "--image",
    metavar="REF",
    help="kfslim's own image, as pods pull it. [env: KFSLIM_IMAGE] [default: kfslim:VERSION]",
)
@click.option("-o", "--output", type=FOLDER, required=True, help="The folder to write into.")
@config
@common
def command(image: str | None, output: Path, **options: Any) -> None:
    """Write the compiled YAML of kfslim's components and ready pipelines.

    Upload the pipelines in the Kubeflow UI as they are; load the components by
    kfp.components.load_component_from_file.  What [tool.kfslim.cluster] says holds for the tasks of
    the pipelines.

    \b
    kfslim components --image registry/ml/kfslim:1 -o kfslim-yaml
    """
    from kfslim.cli.session import Session
    from kfslim.dsl.child import compile_for
    from kfslim.dsl.image import kfslim_image
    from kfslim.steps.configfile import find_config

    with Session(options) as session:
        name = kfslim_image(image)
        path = options["config_path"] or find_config(Path.cwd())
        files = compile_for(output, name, path)
        if session.as_json:
            click.echo(json.dumps({"image": name, "folder": str(output), "files": files}))
        elif not session.quiet:
            for file in files:
                click.echo(str(output / file))
