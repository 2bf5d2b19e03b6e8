"""docs/cli.md, from the commands themselves: ``python -m kfslim.cli.reference > docs/cli.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from kfslim.cli.main import cli

_HEAD = """\
# Command line

*Written by `make docs` from the commands themselves.*

Every command takes `--json`: its result goes to stdout and everything else to stderr. Byte counts
are whole bytes, `content_bytes` compressed and `disk_bytes` uncompressed. A command that fails says
so in one sentence on stderr, with a hint where there is one, and prints nothing on stdout.

| exit code | meaning |
| --- | --- |
| 0 | done |
| 1 | a gate or a trial said no |
| 2 | the input is wrong |
| 3 | something outside failed: a registry, an index, the disk |
| 130, 143 | ended by Ctrl-C or SIGTERM; the same command goes on from there |
"""
_WIDTH = 90  # characters of a line of help


def reference() -> str:
    """Return the whole page, in Markdown."""
    parts = [f"## {path}\n\n```text\n{text}\n```\n" for path, text in _helps(cli, "kfslim", None)]
    return "\n".join([_HEAD, *parts])


def _helps(
    command: click.Command, path: str, parent: click.Context | None
) -> Iterator[tuple[str, str]]:
    """Yield a command's name and help, then those below it."""
    context = click.Context(
        command, parent, info_name=path.rsplit(maxsplit=1)[-1], terminal_width=_WIDTH,
        help_option_names=["-h", "--help"],
    )  # fmt: skip
    lines = command.get_help(context).splitlines()
    yield path, "\n".join(line.rstrip() for line in lines)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            if below := command.get_command(context, name):
                yield from _helps(below, f"{path} {name}", context)


if __name__ == "__main__":
    sys.stdout.write(reference())
