"""Options that several commands share, and what they become."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from kfslim.model import Model
    from kfslim.progress import Progress

F = TypeVar("F", bound=Callable[..., Any])

FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)


def common(function: F) -> F:
    """Add what every command takes: ``--json``, ``--quiet``, ``--cache-dir``."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout."),
        click.option("-q", "--quiet", is_flag=True, help="No progress, no tables; errors only."),
        click.option(
            "--cache-dir",
            type=FOLDER,
            envvar="KFSLIM_CACHE_DIR",
            help="Where kfslim and its uv keep what they can use again. [env: KFSLIM_CACHE_DIR]",
        ),
    ):
        function = option(function)
    return function


insecure = click.option(
    "--insecure",
    is_flag=True,
    help="Allow plain HTTP and unverified TLS to registries beyond this machine.",
)
builder_name = click.option(
    "--builder",
    type=click.Choice(["daemonless", "engine"]),
    help="Who makes the images: kfslim itself, or a Docker Engine from a Dockerfile. "
    "[default: daemonless]",
)
config = click.option(
    "--config",
    "config_path",
    type=FILE,
    help="kfslim.toml or pyproject.toml. [default: the one beside the pipeline]",
)


def builder(function: F) -> F:
    """Add which builder makes the images."""
    for option in (
        click.option(
            "--dialect",
            type=click.Choice(["auto", "buildkit", "classic"]),
            default="auto",
            show_default=True,
            help="Of --builder engine: BuildKit where a docker client for it is installed, or the "
            "classic builder.",
        ),
        builder_name,
    ):
        function = option(function)
    return function


def planning(function: F) -> F:
    """Add what shapes a plan; each also has a place in the config."""
    for option in (
        click.option(
            "--no-before",
            is_flag=True,
            help="Do not read the images that the steps run on today (their versions are then not "
            "kept, and the report has no 'before').",
        ),
        click.option(
            "--upgrade",
            multiple=True,
            metavar="NAME",
            help="Take the newest version of this package; 'base': today's bases; 'all': all anew. "
            "Repeatable. [default: keep to the plan that is there]",
        ),
        click.option(
            "--bytecode",
            type=click.Choice(["all", "none"]),
            help="Ship compiled modules: quicker starts, about a third more bytes. "
            "[default: those that a trial saw imported; without a trial all]",
        ),
        click.option(
            "--prune",
            type=click.Choice(["policy", "trace"]),
            help="trace: also leave out what a trial that ran the step never touched. "
            "[default: policy]",
        ),
        click.option(
            "--no-audit", is_flag=True, help="Keep all that a step declares, needed or not."
        ),
        click.option("--codec", type=click.Choice(["gzip", "zstd"]), help="[default: gzip]"),
        click.option(
            "--platform",
            "platforms",
            multiple=True,
            metavar="OS/ARCH",
            help="linux/amd64 or linux/arm64; twice gives one multi-platform index. "
            "[default: linux/amd64]",
        ),
        click.option("--python", metavar="X.Y", help="Run all steps on this Python instead."),
        click.option(
            "--base",
            metavar="REF",
            help="Base image of all steps: a reference, or deb:SUITE to assemble one from Debian "
            "packages. [default: deb: with the step's Python, else the step's own image]",
        ),
    ):
        function = option(function)
    return config(function)


def trying(function: F) -> F:
    """Add what shapes trials."""
    for option in (
        click.option(
            "--allow-untried",
            multiple=True,
            metavar="STEP",
            help="Publish this step, marked, though its trial fails with all that it declares. "
            "Repeatable.",
        ),
        click.option(
            "--tries",
            type=click.IntRange(min=1),
            default=8,
            show_default=True,
            help="Slimmed images of one step to try before all is put back.",
        ),
        click.option("--network", is_flag=True, help="Let trials use the network."),
        click.option(
            "--run",
            is_flag=True,
            help="Run every step itself in its trial, on what the steps before it made. "
            "[default: as the config's trial.run says; else up to the step's start]",
        ),
        click.option(
            "--runner",
            type=click.Choice(["auto", "private-root", "engine"]),
            default="auto",
            show_default=True,
            help="Where trials run: in a root of their own on this machine, or a Docker Engine.",
        ),
    ):
        function = option(function)
    return function


def progress_for(quiet: bool) -> Progress:
    """Return bars on a terminal, single lines in a pipe, nothing with ``--quiet``."""
    from kfslim.progress import SILENT

    if quiet:
        return SILENT
    from kfslim.report.progress import Bars

    return Bars()


def print_json(value: Model) -> None:
    """Print a stage's result for machines."""
    sys.stdout.write(value.model_dump_json(indent=2) + "\n")
