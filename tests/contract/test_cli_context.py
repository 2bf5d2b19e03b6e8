"""``kfslim context`` on a project as it lies on a laptop."""

import json
import os

import pytest
from parts.churn import make_churn
from parts.command import check_refused, run_here


@pytest.fixture
def churn(tmp_path):
    return make_churn(tmp_path / "churn")


def shown(done) -> dict:
    return json.loads(done.stdout)


def test_secrets_end_with_1_and_writing_ends_it(churn):
    before = run_here("context", churn, "--json")
    assert before.returncode == 1
    assert "2 secrets: .env (KS701), keys/deploy (KS702)" in before.stderr
    dry = run_here("context", churn, "--write", "--dry-run")
    assert dry.returncode == 1
    assert "+**/.env\n" in dry.stdout
    assert not (churn / ".dockerignore").exists()

    written = run_here("context", churn, "--write")
    assert written.returncode == 0, written.stderr
    assert "Build context 47.2 MB → " in written.stdout
    after = shown(run_here("context", churn, "--json"))
    assert after["without"]["files"] == shown(before)["sent"]["files"] + 1
    assert after["sent"]["file_bytes"] < 1000
    assert (after["leaks"], after["waste"]) == ([], [])
    assert {one["path"] for one in after["largest_files"]} == {
        "requirements.txt", "setup.py", "_feast/feature_store.yaml", "src/churn/train.py",
    }  # fmt: skip


def test_the_table_names_the_largest_the_waste_and_the_secrets(churn):
    told = run_here("context", churn).stdout
    for words in ("as tar 47.2 MB", "data/churn.csv", "virtual environment", "**/.venv", "KS702"):
        assert words in told


def test_an_ignore_file_that_is_there_is_extended(churn):
    (churn / ".dockerignore").write_text("data\n# mine\n!data/churn.csv\nmodels/")
    done = run_here("context", churn, "--write", "--json")
    assert done.returncode == 0, done.stderr
    text = (churn / ".dockerignore").read_text()
    assert text.startswith("data\n# mine\n!data/churn.csv\nmodels/\n\n# Found by kfslim context\n")
    assert shown(done)["sent"]["file_bytes"] > 12_000_000  # an exception is the user's own word


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["none"], "none does not exist"),
        (["churn/setup.py"], "is no folder"),
        (["churn", "-f", "no.Dockerfile"], "Dockerfile no.Dockerfile does not exist"),
        (["churn", "--dry-run"], "--dry-run goes with --write"),
        (["bad"], "'\\[' is no pattern"),
    ],
)
def test_what_is_wrong_is_told(churn, monkeypatch, arguments, says):
    (churn.parent / "bad").mkdir()
    (churn.parent / "bad/.dockerignore").write_text("a\n[\n")
    monkeypatch.chdir(churn.parent)
    check_refused(run_here("context", *arguments), 2, says)


def test_a_dockerfile_outside_and_an_ignore_file_that_ignores_the_dockerfile(churn, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY data /data\n")
    (tmp_path / "Dockerfile.dockerignore").write_text("*\n!data\n")
    found = shown(run_here("context", churn, "-f", tmp_path / "Dockerfile", "--json"))
    assert (found["sent"]["files"], found["waste"], found["leaks"]) == (2, [], [])
    assert found["ignore_file"] == "Dockerfile.dockerignore"
    (churn / ".dockerignore").write_text("*\n")
    classic = shown(run_here("context", churn, "--dialect", "classic", "--json"))
    assert classic["sent"]["files"] == 2  # Dockerfile and .dockerignore: the engine needs them
    assert os.fspath(churn) == classic["folder"]
