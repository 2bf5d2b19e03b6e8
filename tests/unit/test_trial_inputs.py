"""What a launcher gives a step: its message, and its command filled."""

import json
import os
import subprocess

import pytest

from kfslim.errors import BadConfig
from kfslim.steps.config import TrialSettings
from kfslim.steps.model import Declared, Step
from kfslim.steps.sightings import Import
from kfslim.trial.cases import Wanted, bytes_of, case_for, wanted_from
from kfslim.trial.inputs import Artifact, Given, Ports, executor_input, fill, place_for
from kfslim.trial.left import files_left, read_left
from kfslim.trial.recorded import copy_left, read_inputs, write_inputs

PORTS = Ports.of(
    {
        "inputDefinitions": {
            "parameters": {
                "n": {"parameterType": "NUMBER_INTEGER", "defaultValue": 5.0},
                "text": {"parameterType": "STRING"},
                "maybe": {"parameterType": "LIST", "isOptional": True},
            },
            "artifacts": {"data": {"artifactType": {"schemaTitle": "system.Dataset"}}},
        },
        "outputDefinitions": {
            "parameters": {"Output": {"parameterType": "STRING"}},
            "artifacts": {"model": {"artifactType": {"schemaTitle": "system.Model"}}},
        },
    }
)


def message(tmp_path, **more):
    given = Given({"text": "t"}, {"data": (Artifact(tmp_path / "d.csv"),)})
    return executor_input(PORTS, given, **more)


def test_the_message_is_what_an_executor_reads(tmp_path):
    assert message(tmp_path) == {
        "inputs": {
            "parameterValues": {"n": 5, "text": "t"},
            "artifacts": {
                "data": {
                    "artifacts": [
                        {
                            "name": "data",
                            "type": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"},
                            "uri": "/kfslim/in/data/0/d.csv",
                            "metadata": {},
                        }
                    ]
                }
            },
        },
        "outputs": {
            "parameters": {"Output": {"outputFile": "/kfslim/out/Output"}},
            "artifacts": {
                "model": {
                    "artifacts": [
                        {
                            "name": "model",
                            "type": {"schemaTitle": "system.Model"},
                            "uri": "/kfslim/out/model",
                            "metadata": {},
                        }
                    ]
                }
            },
            "outputFile": "/kfslim/out/executor_output.json",
        },
    }
    assert isinstance(message(tmp_path)["inputs"]["parameterValues"]["n"], int)


def test_what_is_lacking_and_what_stands_in_for_it():
    assert PORTS.lacking(Given()) == ("text", "data")
    stand_ins = PORTS.stand_ins()
    assert (stand_ins.parameters, set(stand_ins.artifacts)) == ({"text": ""}, {"data"})
    assert PORTS.lacking(stand_ins) == ()


@pytest.mark.parametrize(
    ("word", "filled"),
    [
        ("plain", ["plain"]),
        ("{{$.inputs.parameters['text']}}", ["t"]),
        ("--n={{$.inputs.parameters['n']}}", ["--n=5"]),
        ("{{$.inputs.artifacts['data'].path}}", ["/kfslim/in/data/0/d.csv"]),
        ("{{$.inputs.artifacts['data'].uri}}", ["/kfslim/in/data/0/d.csv"]),
        ("{{$.inputs.artifacts[''data''].name}}", ["data"]),
        ("{{$.outputs.parameters['Output'].output_file}}", ["/kfslim/out/Output"]),
        ("{{$.outputs.artifacts['model'].path}}", ["/kfslim/out/model"]),
        ("{{$.outputs.output_file}}", ["/kfslim/out/executor_output.json"]),
        ("{{$.pipeline_job_name}}", ["trial"]),
        ('{"Concat": ["a", "{{$.inputs.parameters[\'text\']}}"]}', ["at"]),
        ('{"IfPresent": {"InputName": "maybe", "Then": ["-m"], "Else": "no"}}', ["no"]),
        (
            '{"IfPresent": {"InputName": "text", "Then": ["-t", {"Concat": ["x", "y"]}]}}',
            ["-t", "xy"],
        ),
        ('{"IfPresent": {"InputName": "maybe", "Then": "x"}}', []),
        ('{"IfPresent": 3', ['{"IfPresent": 3']),
    ],
)
def test_placeholders(tmp_path, word, filled):
    assert fill([word], message(tmp_path)) == filled


def test_the_whole_message_is_a_placeholder_too(tmp_path):
    (text,) = fill(["{{$}}"], message(tmp_path))
    assert json.loads(text) == message(tmp_path)


def test_old_executors_get_a_bucket_that_has_a_path():
    place = place_for("2.4.0")
    assert (
        place.path("gs://kfslim/out/model") == f"{place.mount}/out/model" == "/gcs/kfslim/out/model"
    )
    assert place_for("2.17.0") == place_for("") == place_for("2.5.0")


STEP = Step(
    name="train",
    executor="exec-train",
    kind="lightweight",
    command=("sh", "-c", "python3 -m pip install x && \"$0\" \"$@\"", "sh", "-ec", "run", "source"),
    args=("--executor_input", "{{$}}", "--function_to_execute", "train"),
    function="train",
    declared=Declared(kfp_version="2.17.0"),
    env={"A": "1"},
)  # fmt: skip


def case(tmp_path, **settings):
    component = {"inputDefinitions": {"parameters": {"text": {"parameterType": "STRING"}}}}
    said = TrialSettings(**settings)
    environ = {"TOKEN": "hidden"}
    return case_for(STEP, [Wanted("json")], said, component, tmp_path, environ)


def test_a_case_runs_where_every_input_is_known(tmp_path):
    assert case(tmp_path).level == "start"
    assert case(tmp_path, run=True).level == "start"
    ready = case(tmp_path, run=True, parameters={"text": "x"})
    assert (ready.level, ready.given.parameters) == ("run", {"text": "x"})
    assert ready.fallen_back().level == "start"
    assert case(tmp_path, command=["python3", "x.py"]).level == "imports"


def test_a_case_takes_its_bounds_and_variables_from_the_config(tmp_path):
    said = case(tmp_path, memory="2G", seconds=9, env={"T": "$TOKEN", "A": "2"}, modules=["x.y"])
    assert (said.limits.memory_bytes, said.limits.seconds) == (2 << 30, 9)
    assert (said.env, said.secrets) == ({"T": "hidden", "A": "2"}, ("hidden",))
    assert said.modules == (Wanted("json"), Wanted("x.y"))
    assert said.command[:2] == ("sh", "-ec")
    assert bytes_of("1.5Gi") == 3 << 29


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"env": {"A": "$NOT_SET"}}, "not set"),
        ({"artifacts": {"data": "nowhere.csv"}}, "nowhere.csv does not exist"),
        ({"inputs": "nowhere"}, "no recorded inputs"),
    ],
)
def test_a_wrong_case_gets_a_sentence(tmp_path, settings, complaint):
    with pytest.raises(BadConfig, match=complaint):
        case(tmp_path, run=True, **settings)


def test_recorded_inputs_are_read_back(tmp_path):
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "deep" / "x").write_text("1")
    (tmp_path / "file.csv").write_text("2")
    ones = (Artifact(tmp_path / "folder", metadata={"k": 1}), Artifact(tmp_path / "file.csv"))
    write_inputs(tmp_path / "kept", Given({"n": 1}, {"data": ones, "none": (Artifact(None),)}))
    found = read_inputs(tmp_path / "kept")
    first, second = found.artifacts["data"]
    assert (first.path / "deep" / "x").read_text() == "1"
    assert (first.metadata, second.path.name, second.path.read_text()) == (
        {"k": 1},
        "file.csv",
        "2",
    )
    assert (found.parameters, found.artifacts["none"][0].path) == ({"n": 1}, None)


def test_no_link_that_a_run_left_is_followed(tmp_path):
    (tmp_path / "secret").write_text("hidden")
    left = tmp_path / "left"
    (left / "deep").mkdir(parents=True)
    (left / "deep" / "ok").write_text("fine")
    (left / "link").symlink_to(tmp_path / "secret")
    (left / "folder").symlink_to(tmp_path)
    assert list(files_left(left)) == ["deep/ok"]
    assert read_left(left, "link") is read_left(left, "folder/secret") is None
    assert read_left(left, "deep/ok", 2) == b"fi"
    assert (
        read_left(left, "deep") is read_left(left, "deep/ok/more") is read_left(left, "..") is None
    )
    assert read_left(left, "../secret") is None
    copy_left(left, tmp_path / "copy")
    assert sorted(p.name for p in (tmp_path / "copy").rglob("*")) == ["deep", "ok"]


def test_what_must_be_imported_is_what_a_step_cannot_do_without():
    imports = [
        Import("pandas", "s.py", 1, "optional"),
        Import("pandas", "s.py", 2),
        Import("pandas.DataFrame", "s.py", 2),
        Import("typing_only", "s.py", 3, "typing"),
        Import("tomli", "s.py", 4),
        Import("winreg", "s.py", 5),
        Import("tkinter", "s.py", 6),
        Import("own.part", "s.py", 7),
        Import("plugin.{}.x", "s.py", 8, "dynamic"),
        Import("json", "s.py", 9, "plain", ("ujson",)),
    ]
    known = {"pandas", "plugin", "tkinter", "json", "winreg"}
    found = wanted_from(imports, lambda name: name.partition(".")[0] in known, {"own"})
    assert {(w.name, w.required) for w in found} == {
        ("pandas", True),
        ("pandas.DataFrame", True),
        ("tomli", False),
        ("winreg", False),
        ("tkinter", True),
        ("plugin", True),
        ("json", True),
    }
    assert next(w for w in found if w.name == "pandas").where == "s.py:2"
    assert next(w for w in found if w.name == "json").instead_of == ("ujson",)


def test_folders_without_end_end(tmp_path):
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("deep-er", dir_fd=here)
        inner = os.open("deep-er", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=here))
    os.close(here)
    (tmp_path / "top").write_text("1")
    try:
        assert list(files_left(tmp_path)) == ["top"]
    finally:
        subprocess.run(["rm", "-rf", tmp_path / "deep-er"], check=True)
