"""docs/cli.md is what the commands say of themselves."""

from pathlib import Path

import click
import pytest

from kfslim.cli.main import COMMANDS, cli
from kfslim.cli.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def commands(group: click.Group, path: tuple[str, ...] = ()):
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield pytest.param(command, id=" ".join((*path, name)))


def test_the_page_is_current():
    assert PAGE.read_text() == reference(), "run: make docs"


def test_the_page_has_every_command():
    assert all(f"\n## kfslim {name}\n" in reference() for name in COMMANDS)


@pytest.mark.parametrize("command", list(commands(cli)))
def test_every_command_takes_json_and_explains_its_options(command):
    assert command.help and command.help[0].isupper()
    options = [p for p in command.params if isinstance(p, click.Option)]
    assert "--json" in {name for option in options for name in option.opts}
    for option in options:
        assert option.help or option.metavar, option.name
