"""Compiled pipelines of the wild run on their slim images as they ran before.

A handful runs always, against what their sources promise.  With ``KFSLIM_SWEEP=1`` every pipeline
of the corpus that kfp.local can run here runs twice: as it was, installing with pip at every start
on a stand-in for ``python:3.11``, and slim without network; both must end alike.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from parts.fat import forget_images, installing, publish_base, stand_in
from parts.running import ending_of, outputs, run_pipeline

from kfslim.cache import Cache
from kfslim.flow.context import Context
from kfslim.flow.options import Options
from kfslim.flow.slim import Slimmed, slim
from kfslim.oci import parse_reference
from kfslim.steps.ir import read_pipeline

ROOT = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("KFSLIM_CORPUS") or ROOT.parent / "shared" / "kfp-corpus") / "valid"
ALL = sorted(str(path.relative_to(CORPUS).with_suffix("")) for path in CORPUS.rglob("*.yaml"))

pytestmark = [
    pytest.mark.real,
    pytest.mark.network,
    pytest.mark.skipif(not ALL, reason=f"there is no corpus at {CORPUS}"),
]

# Pipelines by kind and by the kfp that runs them: arguments, and what their tasks must give.
KNOWN: dict[str, tuple[dict[str, Any], dict[str, dict[str, Any]]]] = {
    "critical/add_numbers": ({"a": 3, "b": 4}, {"add-numbers": {"Output": 7}}),
    "output_metrics": ({}, {"output-metrics": {}}),  # kfp 2.9.0
    "critical/multiple_parameters_namedtuple": (
        {},
        {"core-comp": {"val1": "foo", "val2": "bar"}, "crust-comp": {}},
    ),
    "critical/artifact_crust": ({}, {"core-comp": {}, "crust-comp": {}}),
    "essential/lightweight_python_functions_pipeline": (  # every kind of input and output
        {"message": "hello"},
        {"preprocess": {}, "train": {}},
    ),
    "critical/parallel_for_after_dependency": (
        {},
        {
            **{f"for-loop-2-iteration-{i}/print-op": {"Output": "foo"} for i in range(3)},
            "print-op-2": {"Output": "bar"},
            "print-op-3": {"Output": "baz"},
        },
    ),
    "local_execution/pipeline_with_caching": ({}, {"add-one": {"Output": 2}}),
    "local_execution/local_execution_pipeline_with_oneof": (  # kfp 2.15.2
        {},
        {"branch-a": {"Output": "A"}, "tag-selected": {"Output": "selected:A"}},
    ),
    "parallel_and_nested/nested_parallel_for_secret": (
        {},
        {
            "emit-secret-name": {"Output": "test-secret-1"},
            "for-loop-2-iteration-0/worker-component": {"Output": "not-set"},
            "for-loop-2-iteration-1/worker-component": {"Output": "not-set"},
        },
    ),
}
RANDOM = {
    "critical/flip_coin",
    "critical/parameter_oneof",
    "essential/pipeline_with_metrics_outputs",
    "if_elif_else_with_oneof_parameters",
    "if_else_with_oneof_parameters",
    "output_metrics",
}
TOO_LONG = {
    "log_streaming_compiled": "it prints as fast as it can for a minute, and kfp.local is slow",
    "take_nap_compiled": "it sleeps for many minutes",
}
STAND_INS = ("python:3.11", "registry.access.redhat.com/ubi9/python-311:latest")
SAMPLES = {
    "STRING": "hello", "NUMBER_INTEGER": 3, "NUMBER_DOUBLE": 1.5, "BOOLEAN": True, "LIST": [1, 2],
    "STRUCT": {"a": 1},
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def cleaned(registry, engine):
    yield
    forget_images(registry.host)


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def slimmed(registry, cache):
    """Return a function that slims one pipeline of the corpus."""

    def make(name: str) -> Slimmed:
        target = parse_reference(registry.reference("corpus"))
        options = Options(base="deb:bookworm", before=False)
        with Context(Cache(cache)) as context:
            return slim(context, (CORPUS / f"{name}.yaml").read_text(), target, options)

    return make


@pytest.mark.parametrize("name", KNOWN)
def test_a_slim_pipeline_gives_what_its_source_promises(slimmed, engine, tmp_path, name):
    arguments, expected = KNOWN[name]
    made = slimmed(name)
    assert not made.plan.left_alone
    path = tmp_path / "slim.yaml"
    path.write_text(made.pipeline)
    assert outputs(run_pipeline(path, tmp_path / "run", arguments)) == expected


@pytest.fixture(scope="module")
def python_311(registry, engine, cache, tmp_path_factory) -> Iterator[None]:
    """Let the engine have something under the names of the official images."""
    base = publish_base(registry, cache)
    with stand_in(base, tmp_path_factory.mktemp("python") / "context", STAND_INS):
        yield


def arguments_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a value for every parameter that has none of its own."""
    parameters = document["root"].get("inputDefinitions", {}).get("parameters", {})
    return {
        name: SAMPLES[about["parameterType"]]
        for name, about in parameters.items()
        if "defaultValue" not in about and not about.get("isOptional")
    }


def ending(
    path: Path, root: Path, options: Mapping[str, Any]
) -> tuple[str, dict[str, dict[str, Any]]]:
    """Run a pipeline; return how it ended, and what its tasks gave."""
    arguments = arguments_of(next(yaml.safe_load_all(path.read_text())))
    end = ending_of(path, root, arguments, options)
    told = {}
    for run in root.iterdir() if root.exists() else ():
        text = json.dumps(outputs(run)).replace(str(run), "RUN")
        told |= json.loads(text)
    return end, told


@pytest.mark.skipif(not os.environ.get("KFSLIM_SWEEP"), reason="set KFSLIM_SWEEP=1 (10 minutes)")
@pytest.mark.parametrize("name", ALL)
def test_a_slim_pipeline_ends_as_the_old_one(slimmed, engine, python_311, tmp_path, name):
    old, new = CORPUS / f"{name}.yaml", tmp_path / "slim.yaml"
    if name in TOO_LONG:
        pytest.skip(TOO_LONG[name])
    steps = read_pipeline(old.read_text()).steps
    foreign = {s.image for s in steps if s.kind != "importer"} - set(STAND_INS)
    if foreign:
        pytest.skip(f"no registry here has {', '.join(sorted(foreign))}")
    made = slimmed(name)
    if not made.plan.steps:
        pytest.skip("; ".join(f"{one.step}: {one.reason}" for one in made.plan.left_alone))
    new.write_text(made.pipeline)
    before = ending(old, tmp_path / "old", installing())
    after = ending(new, tmp_path / "new", {"network_mode": "none"})
    assert after[0] == before[0]
    assert after[1].keys() == before[1].keys() or name in RANDOM
    assert after[1] == before[1] or name in RANDOM
