"""The guides say what is there: commands and options that exist, every setting, every right."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
import yaml

from kfslim.cli.main import cli
from kfslim.cluster.settings import ClusterSettings, Toleration
from kfslim.steps.configfile import load_config

ROOT = Path(__file__).parents[2]
GUIDES = ("kubernetes.md", "schedules.md", "air-gapped.md")
TEXTS = {name: (ROOT / "docs" / name).read_text() for name in GUIDES}


def commands(text: str) -> list[str]:
    """Return the kfslim command lines of a guide's shell blocks, continued lines joined."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith("kfslim ")]


ALL = [line for text in TEXTS.values() for line in commands(text)]


@pytest.mark.parametrize("line", ALL)
def test_commands_and_their_options_exist(line):
    words = shlex.split(line, comments=True)[1:]
    command: click.Command = cli
    context = click.Context(cli)
    while isinstance(command, click.Group):
        found = command.get_command(context, words.pop(0))
        assert found is not None
        command = found
    known = {name for parameter in command.params for name in parameter.opts}
    known |= {name for parameter in command.params for name in parameter.secondary_opts}
    assert {word for word in words if re.match(r"--?[a-z]", word)} <= known


def test_there_are_commands_in_every_guide():
    assert all(commands(text) for text in TEXTS.values())


def test_every_setting_is_explained():
    text = TEXTS["kubernetes.md"]
    for name in {*ClusterSettings.model_fields, *Toleration.model_fields}:
        assert f"`{name}`" in text, name


def test_the_example_of_settings_loads(tmp_path):
    (block,) = re.findall(r"^```toml\n(.*?)^```", TEXTS["kubernetes.md"], re.MULTILINE | re.DOTALL)
    (tmp_path / "pyproject.toml").write_text(block)
    cluster = load_config(tmp_path / "pyproject.toml").cluster
    assert cluster.run_as_non_root and cluster.tolerations[0].operator == "Exists"


def test_defaults_are_told_as_they_are():
    text = TEXTS["kubernetes.md"]
    defaults = ClusterSettings()
    rows = dict(re.findall(r"^\| `(\w+)` \| .* \| (.+) \|$", text, flags=re.MULTILINE))
    assert rows["cache_size"] == f"`{defaults.cache_size}`"
    assert rows["scratch_size"] == f"`{defaults.scratch_size}`"
    assert rows["timeout_seconds"] == str(defaults.timeout_seconds)


def test_every_right_of_the_manifest_is_explained():
    role, _ = yaml.safe_load_all((ROOT / "deploy" / "rbac.yaml").read_text())
    for rule in role["rules"]:
        for verb in rule["verbs"]:
            assert re.search(rf"`{verb}`[^|]*{rule['resources'][0]}", TEXTS["kubernetes.md"])


@pytest.mark.parametrize("name", GUIDES)
def test_links_between_files_lead_somewhere(name):
    for target in re.findall(r"\]\(([^)#:]+)\)", TEXTS[name]):
        assert (ROOT / "docs" / target).exists(), target
