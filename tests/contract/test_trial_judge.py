"""Every way in which a trial fails gets a sentence, and what is missing its name."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from parts.here import NO_IMAGE, Here

from kfslim.steps.config import TrialSettings
from kfslim.steps.executors import without_preamble
from kfslim.steps.ir import load_documents, read_pipeline
from kfslim.trial.cases import Case, Wanted, case_for, components
from kfslim.trial.inputs import Given, Ports
from kfslim.trial.judge import LOG, try_image
from kfslim.trial.model import ArtifactSeen, Limits, Outputs

PIPELINE = Path(__file__).parents[2] / "pipelines" / "retrain" / "pipeline.yaml"
PORTS = Ports(
    out_parameters={"Output": {"parameterType": "STRING"}},
    out_artifacts={"model": {}},
)


@pytest.fixture
def site(tmp_path) -> Path:
    """Modules and distributions that a trial finds."""
    folder = tmp_path / "site"
    files = {
        "good.py": "VALUE = 1\n",
        "lazy/__init__.py": "def __getattr__(name):\n    import absent_engine\n",
        "needs.py": "import good, absent_part\n",
        "guarded.py": "try:\n    import absent_one\nexcept ImportError as e:\n"
        "    raise ImportError('guarded requires absent-one; pip install absent-one') from e\n",
        "paper.py": "from importlib.metadata import version\nversion('absent-paper')\n",
        "file.py": "open('/nowhere/data.csv')\n",
        "shared.py": "import ctypes\nctypes.CDLL('libabsent.so.7')\n",
        "crash.py": f"import os\nos.kill(os.getpid(), {signal.SIGSEGV})\n",
        "leave.py": "import os\nos._exit(3)\n",
        "bye.py": "raise SystemExit(0)\n",
        "slow.py": "import time\ntime.sleep(60)\n",
        "one-1.0.dist-info/METADATA": "Name: one\nVersion: 1.0\nRequires-Dist: two>=2\n",
        "one-1.0.dist-info/RECORD": "good.py,,10\ngone.py,,3\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def attempt(tmp_path, site, *modules, expected=None, **settings):
    runner = Here(tmp_path, (site,))
    wanted = tuple(m if isinstance(m, Wanted) else Wanted(m) for m in modules)
    case = Case("step", "imports", wanted, place=runner.place)
    case = replace(case, **settings)
    return try_image(
        runner,
        NO_IMAGE,
        case,
        plan=None,
        dropped=["two"],
        expected=expected,
        folder=tmp_path / "trial",
    )


@pytest.mark.parametrize(
    ("module", "sentence", "names"),
    [
        ("absent", "absent (a.py:3) cannot be imported: ModuleNotFoundError", {"absent"}),
        ("good.MISSING", "cannot import name 'MISSING' from 'good'", {"good.MISSING"}),
        ("json.absent", "cannot import name 'absent' from 'json'", {"json.absent"}),
        ("needs", "No module named 'absent_part'", {"absent_part"}),
        ("lazy.thing", "No module named 'absent_engine'", {"absent_engine"}),
        ("guarded", "pip install absent-one", {"absent-one", "absent_one"}),
        ("paper", "PackageNotFoundError", {"absent-paper"}),
        ("file", "/nowhere/data.csv", {"/nowhere/data.csv"}),
        ("shared", "libabsent.so.7", {"libabsent.so.7"}),
        ("crash", f"importing crash ended Python (signal {signal.SIGSEGV:d})", {"crash"}),
        ("leave", "importing leave ended Python (status 3)", {"leave"}),
        ("bye", "SystemExit", set()),
    ],
)
def test_an_import_that_fails(tmp_path, site, module, sentence, names):
    verdict = attempt(tmp_path, site, "good.VALUE", Wanted(module, where="a.py:3"), "json")
    (failure,) = verdict.failures
    assert not verdict.passed
    assert sentence in failure.text
    assert names <= {*failure.modules, *failure.distributions, *failure.files}
    assert "\n" not in failure.text


def test_an_import_that_hangs_is_named(tmp_path, site):
    verdict = attempt(tmp_path, site, "good", "slow", limits=Limits(seconds=2))
    assert [f.text for f in verdict.failures] == ["importing slow did not end within 2 seconds"]


def test_what_a_step_can_do_without_is_only_told(tmp_path, site):
    verdict = attempt(tmp_path, site, "good", Wanted("needs", required=False))
    assert (verdict.passed, verdict.absent) == (True, ("needs",))
    assert verdict.trace.modules["good"] == str(site / "good.py")
    assert (tmp_path / "trial" / LOG).read_text().endswith(verdict.log)


def test_a_stand_in_is_needed_only_for_what_is_missing(tmp_path, site):
    fallback = Wanted("absent", instead_of=("good",))
    assert attempt(tmp_path, site, Wanted("good", required=False), fallback).passed
    (tmp_path / "2").mkdir()
    fallback = Wanted("absent", instead_of=("needs",))
    assert not attempt(tmp_path / "2", site, Wanted("needs", required=False), fallback).passed


def test_what_is_installed_must_fit(tmp_path, site):
    runner = Here(tmp_path, (site,))
    case = Case("step", "imports", place=runner.place)
    verdict = try_image(runner, NO_IMAGE, case, plan=None, folder=tmp_path / "trial")
    (failure,) = [f for f in verdict.failures if "one 1.0" in f.text]
    assert failure.text == "one 1.0 requires two>=2, which is not installed"
    assert failure.distributions == ("two",)


def test_an_image_without_python_says_so(tmp_path, site):
    class Bare(Here):
        def run(self, image, task):
            return super().run(image, task._replace(command=("/nowhere/python3",)))

    runner = Bare(tmp_path)
    case = Case("step", "imports", place=runner.place)
    verdict = try_image(runner, NO_IMAGE, case, plan=None, folder=tmp_path / "trial")
    (failure,) = verdict.failures
    assert failure.text.startswith("the probe failed: ")
    assert failure.files == ("/nowhere/python3",)


def start(tmp_path, edit=lambda source: source, **settings):
    text = PIPELINE.read_text()
    step = {step.name: step for step in read_pipeline(text).steps}["train"]
    source = edit(step.source)
    command = (*without_preamble(step.command)[:-1], source)
    component = components(load_documents(text)[0])[step.executor]
    runner = Here(tmp_path)
    case = case_for(
        step.model_copy(update={"command": command}), (), TrialSettings(), component, tmp_path
    )
    case = replace(case, place=runner.place, **settings)
    assert case.level == "start"
    return try_image(runner, NO_IMAGE, case, plan=None, folder=tmp_path / "trial")


def test_the_executor_starts_up_to_the_call_of_the_function(tmp_path):
    verdict = start(tmp_path)
    assert verdict.passed, verdict.failures
    assert "kfp.dsl.executor" in verdict.trace.modules
    assert "sklearn" not in verdict.trace.modules  # imported by the function, which was not called


@pytest.mark.parametrize(
    ("edit", "sentence", "names"),
    [
        (lambda s: "import absent_top\n" + s, "No module named 'absent_top'", {"absent_top"}),
        (lambda s: s.replace("def train(", "def other("), "NameError", set()),
        (lambda s: s.replace("Output[Model]", "Output[Modell]"), "NameError", set()),
        (lambda s: s + "\nraise SystemExit(0)\n", "(status 0)", set()),
    ],
)
def test_an_executor_that_does_not_start(tmp_path, edit, sentence, names):
    verdict = start(tmp_path, edit)
    (failure,) = verdict.failures
    assert failure.text.startswith("the KFP executor does not start")
    assert sentence in failure.text
    assert names <= set(failure.modules)


RUN = """\
import json, os, sys
message = json.loads(sys.argv[1])
n = message["inputs"]["parameterValues"]["n"]
if n > 5:
    raise RuntimeError("n is too large; pip install more-room")
os.makedirs(message["outputs"]["artifacts"]["model"]["artifacts"][0]["uri"])
with open(message["outputs"]["parameters"]["Output"]["outputFile"], "w") as out:
    out.write(f"n={n} {os.environ['TOKEN']}")
with open(message["outputs"]["artifacts"]["model"]["artifacts"][0]["uri"] + "/m.json", "w") as out:
    json.dump({"n": n}, out)
print("token", os.environ["TOKEN"])
"""


def run(tmp_path, site, n, **more):
    command = ("python3", "-c", RUN, "{{$}}")
    settings = {"level": "run", "command": command, "ports": PORTS, "given": Given({"n": n})}
    env = {"TOKEN": "hidden-value"}
    return attempt(tmp_path, site, "good", env=env, secrets=("hidden-value",), **settings, **more)


def test_a_step_runs_on_its_inputs_and_its_outputs_are_compared(tmp_path, site):
    first = run(tmp_path, site, 3)
    assert first.passed, first.failures
    assert first.outputs.parameters == {"Output": "n=3 hidden-value"}
    assert first.outputs.artifacts["model"].files["m.json"].value == {"n": 3}
    assert "hidden-value" not in first.log
    expected = Outputs(
        parameters={"Output": "n=3 hidden-value"},
        artifacts={"model": ArtifactSeen(files=first.outputs.artifacts["model"].files)},
    )
    (tmp_path / "again").mkdir()
    second = run(tmp_path / "again", site, 4, expected=expected)
    assert [f.text for f in second.failures] == [
        "parameter Output is 'n=4 ***' instead of 'n=3 ***'",
        "artifact model: m.json.n is 4 instead of 3",
    ]


def test_a_step_that_fails_says_what_it_said(tmp_path, site):
    verdict = run(tmp_path, site, 6)
    (failure,) = verdict.failures
    assert failure.text == (
        "the step ended with status 1: RuntimeError: n is too large; pip install more-room"
    )
    assert failure.distributions == ("more-room",)


def test_a_step_that_hangs_is_ended(tmp_path, site):
    command = ("sh", "-c", "exec sleep 60")
    settings = {"level": "run", "command": command, "limits": Limits(seconds=2)}
    verdict = attempt(tmp_path, site, **settings)
    assert [f.text for f in verdict.failures] == ["the step did not end within 2 seconds"]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"imports": 3, "python": [], "start": "x"}, "good was not tried"),
        ({"imports": {"modules": {"good": {"errors": 3}}}}, "good cannot be imported: failed"),
        ({"imports": {"modules": {"good": {"errors": [3, {}]}}}}, "good cannot be imported: None"),
    ],
)
def test_a_hostile_answer_makes_no_error(tmp_path, site, answer, sentence):
    class Hostile(Here):
        def run(self, image, task):
            done = super().run(image, task)
            (task.folder / "result.json").write_text(json.dumps(answer))
            (task.folder / "trace" / "trace-1.log").write_bytes(b"o '/x\n" + os.urandom(9000))
            return done

    runner = Hostile(tmp_path, (site,))
    case = Case("step", "imports", (Wanted("good"),), place=runner.place)
    verdict = try_image(runner, NO_IMAGE, case, plan=None, folder=tmp_path / "trial")
    (failure,) = verdict.failures
    assert failure.text.startswith(sentence)
