import re
from pathlib import Path

import pytest

from kfslim.errors import BadConfig, BadRequirement, InputError
from kfslim.steps.config import (
    Common,
    Config,
    MaxGrowth,
    Mirror,
    Mirrors,
    RequirementsFrom,
    Settings,
    StepSettings,
    TrialSettings,
)
from kfslim.steps.configfile import find_config, load_config

DOCS = Path(__file__).parents[2] / "docs" / "configuration.md"


def write(folder: Path, text: str, name: str = "kfslim.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def docs_example() -> str:
    match = re.search(r"```toml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert match
    return match[1]


@pytest.fixture
def documented(tmp_path: Path) -> Config:
    (tmp_path / "requirements").mkdir()
    write(tmp_path / "requirements", "scikit-learn\n", "evaluate.txt")
    for project in ("src/retrain", "libs/registry-client"):
        (tmp_path / project).mkdir(parents=True)
    (tmp_path / "src/retrain/__init__.py").touch()
    groups = '\n[dependency-groups]\nbase = ["requests"]\n'
    groups += 'register = [{include-group = "base"}, "mlflow-skinny"]\n'
    return load_config(write(tmp_path, docs_example() + groups, "pyproject.toml"))


def test_the_documented_example_says_what_it_seems_to_say(documented: Config):
    train = documented.for_step("train")
    assert train.name == "trainer"
    assert [line.text for line in train.requirements] == ["structlog>=24", "xgboost==2.1.3"]
    assert train.os_packages == ("libgomp1", "git")
    assert (train.bytecode, train.indexes, train.python) == ("none", ("internal",), "3.11")
    assert train.cpu_indexes == {"torch": "pytorch-cpu", "torchvision": "pytorch-cpu"}
    assert (train.trial.run, train.trial.seconds, train.trial.tolerance) == (True, 600, 0.02)
    assert train.trial.ignore == ("tracking", "model.created")
    evaluate = documented.for_step("evaluate")
    assert (evaluate.trial.inputs, evaluate.trial.memory) == ("trial/evaluate", "4G")
    assert evaluate.keep == {"headers": ("*",), "tests": ("pandas",)}
    assert evaluate.keep_requirements == ("psycopg2-binary",)
    assert evaluate.max_content_bytes == 300_000_000
    assert evaluate.max_growth == MaxGrowth(content="10 MB", percent=5)
    assert [line.text for line in evaluate.requirements] == ["structlog>=24", "scikit-learn"]
    register = documented.for_step("register")
    texts = [line.text for line in register.requirements]
    assert texts == ["structlog>=24", "requests", "mlflow-skinny"]
    assert register.projects == ("src/retrain", "libs/registry-client")
    assert documented.project_modules["src/retrain"] == ("retrain",)
    assert documented.for_step("notify").skip
    assert documented.for_step("unheard-of").base == "deb:bookworm"


@pytest.mark.parametrize(
    "model",
    [Common, Settings, StepSettings, TrialSettings, MaxGrowth, RequirementsFrom, Mirror, Mirrors],
)
def test_every_field_is_documented_and_in_the_example(model):
    text, example = DOCS.read_text(), docs_example()
    for name in model.model_fields:
        assert re.search(rf"`[^`\n]*\b{name}\b[^`\n]*`", text), name
        assert re.search(rf"\b{name}\b", example), name


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("bas = 'deb:bookworm'", "unknown key 'bas'; did you mean 'base'?"),
        ("[steps.train]\nrequirement = []", "unknown key 'requirement' in steps.train; did you"),
        ("[steps.train]\nto = 'oci:x'", "unknown key 'to' in steps.train"),
        (
            "[steps.train.trial]\nsecond = 3",
            "'second' in steps.train.trial; did you mean 'seconds'",
        ),
        ("[trial]\nmemory = '4'", "not an amount of memory"),
        ("[trial]\nseconds = 0", "trial.seconds"),
        ("max_content = '150 Megs'", "no amount of bytes"),
        ("[steps.a]\nmax_growth = {bytes = '1 MB'}", "unknown key 'bytes' in steps.a.max_growth"),
        ("mirrors.debian = [{uri = 'x'}]", "did you mean 'url'?"),
        ("requirements = {files = 'x'}", "did you mean 'file'?"),
        ("python = '3'", "not a Python version"),
        ("base = 'UPPER/x'", "lower case"),
        ("platforms = ['amd64']", "not a platform"),
        ("codec = 'xz'", "codec"),
        ("indexes.a = 'https://me:secret@x.example/simple'", "holds credentials"),
        ("indexes.default = 'https://x.example/simple'", "machine's own"),
        ("[steps.a]\nindexes = ['b']", "names 'b'"),
        ("cpu_indexes.torch = 'b'", "cpu_indexes names 'b'"),
        ("[steps.a.cpu_indexes]\ntorch = 'b'", "steps.a.cpu_indexes names 'b'"),
        ("[steps.a]\nname = 'a b'", "tag"),
        ("projects = ['nowhere']", "nowhere does not exist"),
        ("requirements = {}", "either a file or a group"),
        ("base = ", "not TOML"),
    ],
)
def test_a_wrong_config_gets_a_sentence(tmp_path, text, complaint):
    with pytest.raises(BadConfig) as caught:
        load_config(write(tmp_path, text))
    message = caught.value.message
    assert complaint in message
    assert str(tmp_path) in message
    assert "secret" not in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("groups", "complaint"),
    [
        ("a = [{include-group = 'b'}]\nb = [{include-group = 'A'}]", "includes itself"),
        ("b = []", "no dependency group 'a'; there are: b"),
        ("a = [3]", "holds 3"),
        ("A = []\na = []", "there twice"),
    ],
)
def test_a_wrong_dependency_group_gets_a_sentence(tmp_path, groups, complaint):
    text = f"[tool.kfslim]\nrequirements = {{group = 'a'}}\n[dependency-groups]\n{groups}\n"
    with pytest.raises(BadConfig, match=complaint):
        load_config(write(tmp_path, text, "pyproject.toml"))


def test_requirements_are_checked_when_the_config_is_read(tmp_path):
    with pytest.raises(BadRequirement, match=r"steps\.a\.requirements"):
        load_config(write(tmp_path, "[steps.a]\nrequirements = ['git+https://x.example/y']"))
    with pytest.raises(InputError, match=r"absent\.txt"):
        load_config(write(tmp_path, "requirements = {file = 'absent.txt'}"))


def test_finding_the_config(tmp_path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    assert find_config(inner) is None
    shared = write(tmp_path, "[tool.kfslim]\n", "pyproject.toml")
    assert find_config(inner) == shared
    write(tmp_path / "a", "[tool.other]\n", "pyproject.toml")
    assert find_config(inner) == shared
    own = write(tmp_path, "")
    assert find_config(inner) == own
    (tmp_path / "a" / ".git").mkdir()
    assert find_config(inner) is None


def test_no_file_gives_the_defaults():
    assert load_config(None) == Config()
    assert Config().for_step("x").bytecode is None


def test_an_index_is_known_by_its_url_without_credentials(tmp_path):
    text = "[indexes]\ninternal = 'https://P.example/simple/'\nnightly = '$NIGHTLY'\n"
    config = load_config(write(tmp_path, text))
    environ = {"NIGHTLY": "https://u:p@n.example/simple"}
    assert config.index_named("https://me:pw@p.example/simple", environ) == "internal"
    assert config.index_named("https://n.example/simple/", environ) == "nightly"
    assert config.index_named("https://n.example/simple/", {}) is None
    assert config.index_named("https://p.example:8443/simple", environ) is None
    assert config.index_url("nightly", environ) == environ["NIGHTLY"]
    with pytest.raises(BadConfig, match=r"\$NIGHTLY"):
        config.index_url("nightly", {})
    with pytest.raises(BadConfig, match="no index named"):
        config.index_url("other", {})


def test_steps_that_no_pipeline_has_are_told(documented):
    assert documented.unknown_steps({"train", "evaluate", "notify"}) == ("register",)
