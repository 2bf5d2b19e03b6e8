"""Which differences between two runs count, and which are only noted."""

import json
import os

import pytest

from kfslim.trial.compare import compare
from kfslim.trial.inputs import LOCAL, Ports
from kfslim.trial.model import ArtifactSeen, Outputs
from kfslim.trial.outputs import produced, read_outputs

PORTS = Ports(
    out_parameters={
        "Output": {"parameterType": "NUMBER_DOUBLE"},
        "said": {"parameterType": "STRING"},
    },
    out_artifacts={"model": {"artifactType": {"schemaTitle": "system.Model"}}},
)


def outputs(parameters=None, metadata=None, **files):
    seen = ArtifactSeen(metadata=metadata or {}, files=files)
    return Outputs(parameters=parameters or {}, artifacts={"model": seen})


def run(folder, files, parameters=None, metadata=None):
    """Lay out what a run left, and read it."""
    (folder / "out").mkdir(parents=True)
    told = {
        "artifacts": [{"name": "model", "uri": "/kfslim/out/model", "metadata": metadata or {}}]
    }
    message = {"parameterValues": parameters or {}, "artifacts": {"model": told}}
    (folder / "out" / "executor_output.json").write_text(json.dumps(message))
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return read_outputs(folder, PORTS, LOCAL)


def counting(before, after, tolerance=0.01, ignore=()):
    return [d.text for d in compare(before, after, tolerance, ignore) if d.counts]


def noted(before, after):
    return [d.text for d in compare(before, after, 0.01) if not d.counts]


def test_numbers_may_differ_within_the_tolerance():
    before = outputs({"Output": 0.98, "n": 3}, {"auc": 0.9})
    assert counting(before, outputs({"Output": 0.985, "n": 3}, {"auc": 0.899})) == []
    assert counting(before, outputs({"Output": 0.9, "n": 3}, {"auc": 0.8})) == [
        "parameter Output is 0.9 instead of 0.98",
        "metadata of model: auc is 0.8 instead of 0.9",
    ]


def test_what_is_missing_counts():
    before = outputs({"Output": 1}, {"a": {"b": 1}, "c": [1, 2]})
    assert counting(before, outputs({}, {"a": {}, "c": [1]})) == [
        "parameter Output is missing",
        "metadata of model: a.b is missing",
        "metadata of model: c has 1 entries instead of 2",
    ]
    assert counting(before, Outputs(parameters={"Output": 1}))[0] == (
        "metadata of model: a is missing"
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("2026-11-24T08:15:17", "2026-11-24T09:00:00"),
        ("9f1c2ab34de1", "77aa0011bbcc"),
        ("/tmp/tmpab12/x", "/tmp/tmpcd34/x"),
    ],
)
def test_times_and_ids_are_only_noted(before, after):
    assert counting(outputs({"said": before}), outputs({"said": after})) == []
    assert noted(outputs({"said": before}), outputs({"said": after}))
    assert counting(outputs({"said": "yes"}), outputs({"said": "no"}))
    assert counting(outputs({"a": {"run_id": "x"}}), outputs({"a": {"run_id": "y"}})) == []
    assert counting(outputs({"fit_seconds": 3.0}), outputs({"fit_seconds": 9.0})) == []
    assert counting(outputs({"sentiment": "x"}), outputs({"sentiment": "y"}))


def test_ignored_outputs_are_not_compared():
    before, after = outputs({"a": 1}, {"k": 1}), outputs({"a": 2}, {"k": 2})
    assert counting(before, after, ignore=["a", "model.k"]) == []


def test_files_by_their_kind(tmp_path):
    before = run(tmp_path / "1", {"out/model": b"PAR1" + b"x" * 9000})
    same_size = run(tmp_path / "2", {"out/model": b"PAR1" + b"y" * 9100})
    assert counting(before, same_size) == []
    assert noted(before, same_size) == ["artifact model differs (9104 bytes instead of 9004)"]
    other = run(tmp_path / "3", {"out/model": b"a,b\n1,2\n"})
    assert counting(before, other) == ["artifact model is text instead of parquet"]
    small = run(tmp_path / "4", {"out/model": b"PAR1"})
    assert counting(before, small) == ["artifact model differs (4 bytes instead of 9004)"]
    empty = run(tmp_path / "5", {"out/model": b""})
    assert counting(before, empty) == ["artifact model is empty"]
    assert counting(before, run(tmp_path / "6", {})) == ["artifact model is missing"]


def test_json_files_are_compared_by_value(tmp_path):
    before = run(tmp_path / "1", {"out/model": b'{"auc": 0.9, "nan": NaN, "time": 3}'})
    close = run(tmp_path / "2", {"out/model": b'{"time": 7, "nan": NaN, "auc": 0.9001}'})
    assert counting(before, close) == []
    far = run(tmp_path / "3", {"out/model": b'{"auc": 0.5, "nan": 1, "time": 3}'})
    assert counting(before, far) == [
        "artifact model.auc is 0.5 instead of 0.9",
        "artifact model.nan is 1 instead of 'NaN'",
    ]


def test_folders(tmp_path):
    files = {"out/model/a": b"1", "out/model/b/c": b"2"}
    before = run(tmp_path / "1", files)
    assert counting(before, run(tmp_path / "2", files)) == []
    renamed = run(tmp_path / "3", {"out/model/a": b"1", "out/model/b/d": b"2"})
    assert (counting(before, renamed), len(noted(before, renamed))) == ([], 1)
    fewer = run(tmp_path / "4", {"out/model/a": b"1"})
    assert counting(before, fewer) == ["artifact model lacks b/c"]


def test_parameters_in_files_are_read_as_the_backend_reads_them(tmp_path):
    seen = run(tmp_path, {"out/Output": b"0.5", "out/said": b"3\n"})
    assert seen.parameters == {"Output": 0.5, "said": "3\n"}


def test_links_and_foreign_paths_lead_nowhere(tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("hidden")
    folder = tmp_path / "run"
    (folder / "out").mkdir(parents=True)
    (folder / "out" / "model").symlink_to(secret)
    (folder / "out" / "said").symlink_to(secret / "key")
    told = {"artifacts": [{"uri": "/kfslim/../secret", "metadata": 3}]}
    text = json.dumps({"artifacts": {"model": told}, "parameterValues": 7})
    (folder / "out" / "executor_output.json").write_text(text)
    seen = read_outputs(folder, PORTS, LOCAL)
    assert seen == Outputs(artifacts={"model": ArtifactSeen()})
    assert produced(folder, PORTS, LOCAL).parameters == {}


HOSTILE = [
    '{"a": "\\ud800", "\\udfff": 1}',
    '{"a": NaN, "b": Infinity, "c": 1e999}',
    '{"a": ' + "9" * 1000 + "}",
    '{"a": ' + "[" * 400 + "]" * 400 + "}",
    "[" * 100_000,
    "\ufeff{}",
    "null",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_values_are_compared_and_can_be_written(tmp_path, text):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / os.fsdecode(b"\xff")).touch()
    files = {
        "out/model/m.json": text.encode(),
        os.fsdecode(b"out/model/\xff"): b"",
        "out/Output": text.encode(),
    }
    before = run(tmp_path / "a", files)
    after = run(tmp_path / "b", files)
    assert compare(before, after, 0.01) == ()
    assert Outputs.model_validate_json(before.model_dump_json())
