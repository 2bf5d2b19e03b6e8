"""The entry point: find the command, run it, turn its end into an exit code.

Commands are imported when they are asked for, so that ``kfslim --version`` starts at once.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import click

from kfslim._version import __version__
from kfslim.errors import KfslimError
from kfslim.report.visible import visible

COMMANDS = (
    "init",
    "slim",
    "plan",
    "build",
    "dockerfile",
    "publish",
    "pin",
    "measure",
    "steps",
    "audit",
    "fix",
    "context",
    "trial",
    "prune",
    "schedule",
    "components",
    "pack",
    "doctor",
    "self-image",
    "cache",
)
# Since click 8.2 a group without a command ends in this; before, it printed the help itself.
_HELP: tuple[type[Exception], ...] = tuple(
    filter(None, [getattr(click.exceptions, "NoArgsIsHelpError", None)])
)
INTERRUPTED, TERMINATED = 130, 143  # 128 + SIGINT, 128 + SIGTERM, as shells have it


class LazyGroup(click.Group):
    """A group whose commands live in ``kfslim.cli.<name>``, hyphens as underscores."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order a pipeline meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"kfslim.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kfslim")
def cli() -> None:
    """Give every step of a Kubeflow pipeline an image that holds what it needs, and nothing else.

    \b
    The main job, without Docker, root or a cluster:
      kfslim slim pipeline.yaml --to docker://registry/ml/retrain -o slim.yaml

    \b
    Look first, change nothing:
      kfslim measure pipeline.yaml        what the steps run on today
      kfslim steps pipeline.yaml          what kfslim understood of each step
      kfslim audit pipeline.yaml          which requirements each step needs, and why
      kfslim fix Dockerfile               what kfslim would mend in a Dockerfile, as a diff
      kfslim context .                    what Docker would send to build an image here
      kfslim trial pipeline.yaml          whether each step runs in the image it would get

    \b
    In stages, to review and commit the plan between them:
      kfslim plan pipeline.yaml -o kfslim.lock.json
      kfslim build kfslim.lock.json --to docker://registry/ml/retrain
      kfslim pin pipeline.yaml --plan kfslim.lock.json --to docker://… -o slim.yaml

    \b
    As Dockerfiles, to check in and own:
      kfslim dockerfile kfslim.lock.json -o docker

    Exit codes: 0 done, 1 a gate said no, 2 the input is wrong, 3 something outside failed,
    130 interrupted.  Every command takes --json: the result on stdout, all else on stderr.
    """


class _Terminated(KeyboardInterrupt):
    """SIGTERM, as a pod gets it: everything is put in order as on Ctrl-C."""


def _terminate(*_: object) -> NoReturn:
    raise _Terminated


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(run(argv))


def run(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    try:
        cli.main(args=argv, prog_name="kfslim", standalone_mode=False)
    except click.exceptions.Exit as end:
        return end.exit_code
    except BaseException as error:  # the last edge: whatever it is, the user gets a sentence
        return _ended_by(error)
    return 0


def _ended_by(error: BaseException) -> int:
    if isinstance(error, click.ClickException):
        _say_wrong(error)
        return error.exit_code
    if isinstance(error, KfslimError):
        _say(error.message, error.hint)
        return error.exit_code
    if isinstance(error, KeyboardInterrupt | click.Abort):
        _say("interrupted; nothing half-done is visible, and the same command goes on from here")
        terminated = isinstance(error.__cause__ or error, _Terminated)  # click: Abort from it
        return TERMINATED if terminated else INTERRUPTED
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return _bug(error)


def _say_wrong(error: click.ClickException) -> None:
    """Say what is wrong with the command line; without a command, show the help."""
    if isinstance(error, _HELP):
        error.show()
        return
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f"'{context.command_path} --help' shows what there is." if context else ""
    _say(error.format_message(), hint)


def _say(message: str, hint: str = "") -> None:
    click.echo(f"kfslim: {visible(message)}", err=True)
    if hint:
        click.echo(f"        {visible(hint)}", err=True)


def _bug(error: BaseException) -> int:
    if os.environ.get("KFSLIM_DEBUG"):
        raise error
    _say(
        f"unexpected {type(error).__name__}: {error}",
        "This is a bug in kfslim. KFSLIM_DEBUG=1 shows where; please report it.",
    )
    return 3
