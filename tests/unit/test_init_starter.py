"""The configuration that ``kfslim init`` writes."""

from __future__ import annotations

import json
import re

import pytest
from parts.command import make_pipeline, run_here

from kfslim.steps.configfile import load_config
from kfslim.steps.ir import read_pipeline
from kfslim.steps.starter import starter_config


@pytest.fixture
def folder(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / "p.yaml").write_text(make_pipeline({"train": ["pandas==2.3.3"], "say-hello": []}))
    return tmp_path


def init(folder, *more):
    return run_here("init", folder / "p.yaml", *more, KFSLIM_CACHE_DIR=str(folder / "cache"))


def test_it_loads_and_changes_nothing(folder):
    assert init(folder).returncode == 0
    config = load_config(folder / "kfslim.toml")
    assert set(config.steps) == {"train", "say-hello"}
    bare = config.model_copy(update={"steps": {}, "root": ""})
    assert bare == load_config(None)


def test_every_setting_in_it_is_valid_when_it_is_taken(folder):
    init(folder)
    path = folder / "kfslim.toml"
    path.write_text(re.sub(r"^#(?=[\[\w])", "", path.read_text(), flags=re.MULTILINE))
    config = load_config(path)
    assert config.to == "docker://registry.example.com/ml/small"
    assert config.steps["train"].skip
    assert config.cluster.cache_claim == "kfslim-cache"
    assert config.indexes == {"internal": "$INTERNAL_INDEX"}


def test_it_tells_what_the_pipeline_says(folder):
    init(folder, "--to", "docker://registry.example.com/ml/x")
    text = (folder / "kfslim.toml").read_text()
    assert "# and installs at every run: pandas==2.3.3\n[steps.train]" in text
    assert load_config(folder / "kfslim.toml").to == "docker://registry.example.com/ml/x"


def test_what_is_there_is_not_replaced_unless_asked(folder):
    (folder / "kfslim.toml").write_text("# mine\n")
    done = init(folder)
    assert done.returncode == 2
    assert "is there already" in done.stderr
    assert (folder / "kfslim.toml").read_text() == "# mine\n"
    path = json.loads(init(folder, "--force", "--json").stdout)["path"]
    assert path == str(folder / "kfslim.toml")
    assert "# mine" not in (folder / "kfslim.toml").read_text()


@pytest.mark.parametrize("name", ["we.ird", 'quo"te', "new\nline", "[table]"])
def test_no_name_of_a_step_breaks_out(tmp_path, name):
    pipeline = read_pipeline(make_pipeline({"train": ["a"]}))
    step = pipeline.steps[0].model_copy(update={"name": name, "image": "x\n[cluster]\n#"})
    text = starter_config(pipeline.model_copy(update={"steps": (step,)}))
    (tmp_path / "kfslim.toml").write_text(text)
    assert set(load_config(tmp_path / "kfslim.toml").steps) == {name}


def test_a_wrong_reference_is_refused_before_anything_is_written(folder):
    assert init(folder, "--to", "ftp://x").returncode == 2
    assert not (folder / "kfslim.toml").exists()
