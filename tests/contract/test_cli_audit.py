"""``kfslim audit`` on pipelines, trees, projects and lists, with a real uv and real wheels."""

import json
import os
import re
import subprocess

import pytest
from parts.command import check_refused, make_pipeline
from parts.need import program
from parts.toy import Toy, container_pipeline

from kfslim.model import load_document
from kfslim.plan.model import Plan

BODY = """\
import kfp
from kfp import dsl
from kfp.dsl import *

def load(path: str):
    import alpha
"""
PYTHON = """\
from kfp import dsl


@dsl.component(base_image="python:3.11", packages_to_install=["alpha==1.0", "beta", "delta"])
def load(path: str):
    import alpha
"""


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    toy = Toy.make(tmp_path_factory.mktemp("toy"))
    toy.index.wheel("delta", "3.0", {"delta.py": os.urandom(20_000).hex().encode()})
    (toy.folder / "kfslim.toml").write_text(f'base = "oci:{toy.folder}/base:toy"\n')
    packages = {"load": ["alpha==1.0", "beta", "delta"], "idle": []}
    toy.pipeline.write_text(make_pipeline(packages, load=BODY))
    (toy.folder / "pipeline.py").write_text(PYTHON)
    return toy


@pytest.fixture(autouse=True)
def here(toy, monkeypatch):
    """Call from the toy's folder, as one does: places are told from there."""
    monkeypatch.chdir(toy.folder)


def audit(toy, *more, subject="pipeline.yaml"):
    fixed = ("--no-before", "--python", "3.11") if subject == "pipeline.yaml" else ()
    return toy.here("audit", subject, *fixed, *more)


def findings(done):
    assert done.returncode == 0, done.stderr
    return {f"{one['requirement']}": one for one in json.loads(done.stdout)["findings"]}


# --- pipelines -----------------------------------------------------------------------------------


def test_a_pipeline(toy):
    done = audit(toy, "--json")
    found = findings(done)
    assert {name: one["action"] for name, one in found.items()} == {
        "alpha==1.0": "keep", "beta": "remove", "delta": "remove"
    }  # fmt: skip
    kept = found["alpha==1.0"]
    assert (kept["code"], kept["step"], kept["file"], kept["line"]) == (
        "KS101", "load", "pipeline.py", 4
    )  # fmt: skip
    (evidence,) = kept["evidence"]
    assert (evidence["file"], evidence["line"]) == ("pipeline.py", 6)
    assert found["beta"]["price"]["distributions"] == ["beta", "gamma"]
    (load, idle) = json.loads(done.stdout)["steps"]
    assert (load["kept"], load["distributions"]) == (["alpha==1.0"], ["alpha"])
    assert idle["requirements"] == []


def test_the_table_and_the_patch_do_not_mix(toy):
    done = audit(toy, "--patch", "-")
    assert "remove KS201" in done.stderr and "Could be" in done.stderr
    assert done.stdout.startswith("--- a/pipeline.py\n+++ b/pipeline.py\n")
    git = [program("git"), "apply", "--check"]
    subprocess.run(git, input=done.stdout, text=True, cwd=toy.folder, check=True)
    assert '+@dsl.component(base_image="python:3.11", packages_to_install=["alpha==1.0"])' in (
        done.stdout.splitlines()
    )
    assert "keep KS101" in audit(toy).stdout
    quiet = audit(toy, "-q")
    assert (quiet.stdout, quiet.stderr) == ("", "")


def test_without_python_beside_it_the_patch_tells_what_is_left(toy, tmp_path):
    (tmp_path / "kfslim.toml").write_text(f'base = "oci:{toy.folder}/base:toy"\n')
    alone = tmp_path / "alone.yaml"
    alone.write_text(toy.pipeline.read_text())
    written = tmp_path / "a.patch"
    done = toy.here("audit", alone, "--no-before", "--python", "3.11", "--patch", written, "--json")
    found = findings(done)
    assert written.read_text() == "# load: 'alpha==1.0'\n"
    assert found["beta"]["file"] == str(alone)
    line = alone.read_text().splitlines()[found["beta"]["line"] - 1]
    assert "'beta'" in line.replace("''", "'")


def test_one_step(toy):
    assert findings(audit(toy, "--json", "--step", "idle")) == {}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--fail-on", "remove"], "2 objections"),
        (["--fail-on", "KS101"], "does not pass: load: KS101 alpha==1.0"),
        (["--fail-on", "KS301,add"], ""),
        (["--max-content", "100 B"], "load: its packages are .* more than"),
        (["--max-content", "1 MB"], ""),
    ],
)
def test_gates(toy, more, says):
    done = audit(toy, *more)
    assert "keep KS101" in done.stdout  # all is shown before
    assert done.returncode == (1 if says else 0), done.stderr
    assert re.search(says, done.stderr)


def test_a_budget_from_the_config(toy, tmp_path):
    config = tmp_path / "kfslim.toml"
    config.write_text(
        f'base = "oci:{toy.folder}/base:toy"\n[steps.load]\nname = "loader"\nmax_content = "9"\n'
        'keep = {requirements = ["beta"]}\n'
    )
    done = audit(toy, "--config", config, "--json")
    assert done.returncode == 1
    assert "loader: its packages are" in done.stderr
    found = {one["requirement"]: one["code"] for one in json.loads(done.stdout)["findings"]}
    assert found == {"alpha==1.0": "KS101", "beta": "KS106", "delta": "KS201"}


def test_sarif(toy, tmp_path):
    path = tmp_path / "audit.sarif"
    assert audit(toy, "-q", "--sarif", path).returncode == 0
    (run,) = json.loads(path.read_text())["runs"]
    lines = {
        (
            result["ruleId"],
            result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
            result["locations"][0]["physicalLocation"]["region"]["startLine"],
        )
        for result in run["results"]
    }
    assert lines == {("KS201", "pipeline.py", 4)}


def test_growth_names_who_is_responsible(toy, tmp_path):
    """Against a plan of another declaration; by bytes and per cent together."""
    pipeline, plan, config = (tmp_path / name for name in ("p.yaml", "plan.json", "kfslim.toml"))
    pipeline.write_text(container_pipeline("load", "idle"))
    base = f'base = "oci:{toy.folder}/base:toy"\nrequirements = ["alpha==1.0"]\n'
    config.write_text(base)
    fixed = ("--no-before", "--python", "3.11")
    toy.result("plan", pipeline, *fixed, "-o", plan)
    line = ("audit", pipeline, *fixed)
    check_traces(toy, plan, line, tmp_path / "trace.json")
    config.write_text(f'{base}[steps.load]\nrequirements = ["beta"]\n')
    line = (*line, "--against", plan, "--max-growth-bytes", "10", "--max-growth-percent")
    done = toy.here(*line, "1")
    assert done.returncode == 1
    grown = next(row.split() for row in done.stdout.splitlines() if row.split()[:1] == ["gamma"])
    assert (grown[1:3], grown[-1]) == (["added", "0.1"], "beta")
    assert re.search(r"load: its packages grew by .* (beta|gamma) .*\(through beta\)", done.stderr)
    loose = toy.here(*line, "1000", "--json")
    assert loose.returncode == 0, loose.stderr
    grown = {one["step"]: one["changes"] for one in json.loads(loose.stdout)["growth"]}
    assert {one["name"] for one in grown["load"]} == {"beta", "gamma"}
    assert grown["idle"] == []


def check_traces(toy, plan, line, path):
    """A trace speaks for the very plan that was traced, and for no other."""
    value = {"step": "load", "step_digest": "sha256:0", "level": "run", "modules": {}}

    def told(digest):
        path.write_text(json.dumps({**value, "step_digest": digest}))
        return toy.here(*line, "--plan", plan, "--trace", path, "--json")

    check_refused(told("sha256:0"), 2, "trace of step 'load' is of another version")
    digest = next(s.step_digest for s in load_document(Plan, plan).steps if s.name == "load")
    done = told(digest)
    assert done.returncode == 0, done.stderr
    value["step"] = "other"
    check_refused(told(digest), 2, "'other' belongs to no step of the plan")


# --- trees, projects, lists ----------------------------------------------------------------------


@pytest.fixture
def tree(toy):
    folder = toy.folder / "tree"
    (folder / "pkg").mkdir(parents=True, exist_ok=True)
    (folder / "pkg" / "__init__.py").write_text("from alpha import x\nimport pkg.other\n")
    (folder / "pkg" / "broken.py").write_text("def f(:\n")
    (folder / "requirements.txt").write_text("alpha\nbeta  # for later\ndelta\n")
    yield folder
    subprocess.run(["rm", "-r", folder], check=True)


def test_a_tree_with_a_file_that_does_not_parse(toy, tree):
    done = audit(toy, "--json", "--python", "3.11", subject="tree")
    found = findings(done)
    assert found["alpha"]["evidence"][0]["file"] == "tree/pkg/__init__.py"
    assert (found["beta"]["code"], found["beta"]["file"]) == ("KS105", "tree/requirements.txt")
    (problem,) = json.loads(done.stdout)["problems"]
    assert (problem["file"], problem["line"]) == ("tree/pkg/broken.py", 1)
    (tree / "pkg" / "broken.py").unlink()
    done = audit(toy, "--patch", "-", "--python", "3.11", subject="tree")
    assert "\n-beta  # for later\n-delta\n" in done.stdout


def test_a_project_and_its_groups(toy, tree):
    (tree / "pkg" / "broken.py").unlink()
    project = '[project]\nname = "pkg"\ndependencies = [\n  "alpha",\n  "beta",\n]\n'
    groups = (
        '[project.optional-dependencies]\nweb = ["delta"]\n[dependency-groups]\ndev = ["gamma"]'
    )
    (tree / "pyproject.toml").write_text(f"{project}{groups}\n")
    found = findings(audit(toy, "--json", subject="tree/pyproject.toml"))
    assert {name: one["line"] for name, one in found.items()} == {"alpha": 4, "beta": 5}
    more = findings(audit(toy, "--json", "--group", "Dev", "--group", "web", subject="tree"))
    assert {name: one["line"] for name, one in more.items()} == {
        "alpha": 4, "beta": 5, "gamma": 10, "delta": 8
    }  # fmt: skip
    patch = audit(toy, "--patch", "-", subject="tree").stdout
    assert '-  "beta",\n' in patch and patch.count("\n-") == 1


def test_a_list_alone_has_nothing_unused(toy, tree):
    (tree / "list.txt").write_text("alpha\nbeta\nbeta\ngamma\n")
    found = audit(toy, "--json", subject="tree/list.txt")
    codes = [one["code"] for one in json.loads(found.stdout)["findings"]]
    assert codes == ["KS105", "KS105", "KS301", "KS105"]
    assert json.loads(found.stdout)["steps"][0]["kept"] == ["alpha", "beta", "gamma"]


def test_requirements_from_elsewhere(toy, tree):
    (toy.folder / "other.in").write_text("alpha==1.0\n")
    found = findings(audit(toy, "--json", "--requirements", "other.in", subject="tree"))
    assert list(found) == ["alpha==1.0"]


# --- bad input -----------------------------------------------------------------------------------

BAD = {
    "no such thing": ("gone", [], "gone: no such file or folder"),
    "no such pipeline": ("gone.yaml", [], "gone.yaml: No such file"),
    "an empty folder": ("empty", [], "holds neither pyproject.toml nor requirements.txt"),
    "an empty list": ("empty.txt", [], "empty.txt declares nothing"),
    "no list at all": ("binary.txt", [], "not UTF-8"),
    "a project of nothing": ("none.toml", [], "declares no dependencies"),
    "a project that is none": ("bad.toml", [], "is not TOML"),
    "dependencies that are none": ("odd.toml", [], "no list of strings"),
    "no such group": ("good.toml", ["--group", "x"], "no dependency group or extra 'x'"),
    "groups of a list": ("good.txt", ["--group", "x"], "has no groups"),
    "a step of a tree": ("good.txt", ["--step", "x"], "--step is for compiled pipelines"),
    "a list of a pipeline": (
        "pipeline.yaml", ["--requirements", "x"], "--requirements is for source trees"
    ),
    "no such step": ("pipeline.yaml", ["--step", "lod"], "no step 'lod'"),
    "no such code": ("good.txt", ["--fail-on", "KS9"], "no code or action 'KS9'"),
    "no amount": ("good.txt", ["--max-content", "much"], "--max-content: 'much' is no amount"),
    "growth from nowhere": (
        "pipeline.yaml", ["--max-growth-percent", "5"], "needs --against"
    ),
    "a trace of nothing": ("pipeline.yaml", ["--trace", "good.txt"], "--trace needs --plan"),
    "a plan that is none": ("pipeline.yaml", ["--against", "good.txt"], "is not a Plan"),
    "two for stdout": ("good.txt", ["--json", "--patch", "-"], "both write to stdout"),
    "no Python": ("good.txt", ["--python", "3"], "not a version of Python"),
    "a package that is none": ("unknown.txt", [], "omega"),
    "an unnamed index": ("index.txt", [], "names an index that the config does not"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_bad_input(toy, kind, tmp_path, monkeypatch):
    files = {
        "empty.txt": "# nothing\n",
        "none.toml": "[project]\nname = 'x'\n",
        "bad.toml": "[project\n",
        "odd.toml": "[project]\ndependencies = {a = 1}\n",
        "good.toml": "[project]\ndependencies = ['alpha']\n",
        "good.txt": "alpha\n",
        "unknown.txt": "omega\n",
        "index.txt": "--index-url https://user:open-sesame@x.example/simple\nalpha\n",
        "kfslim.toml": f'base = "oci:{toy.folder}/base:toy"\n',
        "pipeline.yaml": toy.pipeline.read_text(),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    subject, more, says = BAD[kind]
    done = audit(toy, *more, subject=subject)
    check_refused(done, 2, says)
    assert "open-sesame" not in done.stderr
