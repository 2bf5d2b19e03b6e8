"""A whole pipeline, task after task, with the KFP executor of this machine."""

from dataclasses import replace
from pathlib import Path

import pytest
from kfp import compiler, dsl
from kfp.dsl import Artifact, Dataset, Input, Metrics, Output
from parts.here import NO_IMAGE, Here

from kfslim.steps.config import TrialSettings
from kfslim.steps.ir import load_documents, read_pipeline
from kfslim.trial.cases import case_for, components
from kfslim.trial.chain import Told, run_chain
from kfslim.trial.inputs import Artifact as OnDisk
from kfslim.trial.inputs import Given
from kfslim.trial.judge import try_image
from kfslim.trial.outputs import produced
from kfslim.trial.recorded import read_inputs


@dsl.component(base_image="python:3.11")
def count(text: str, lines: Output[Dataset], times: int = 2) -> int:
    from pathlib import Path

    Path(lines.path).write_text(f"{text}\n" * times)
    lines.metadata["times"] = times
    return times


@dsl.component(base_image="python:3.11")
def total(lines: Input[Dataset], sums: Output[Metrics], said: dsl.OutputPath(str)) -> float:
    import pathlib

    found = pathlib.Path(lines.path).read_text().splitlines()
    assert lines.metadata["times"] == len(found)
    sums.log_metric("lines", len(found))
    pathlib.Path(said).write_text(found[0])
    return float(len(found))


@dsl.component(base_image="python:3.11")
def fold(lines: Input[Dataset], folder: Output[Artifact]):
    from pathlib import Path

    text = Path(lines.path).read_text()
    inner = Path(folder.path, "inner")
    inner.mkdir(parents=True)
    (inner / "upper.txt").write_text(text.upper())


@dsl.component(base_image="python:3.11")
def show(text: str, number: float) -> str:
    return f"{text} {number}"


@dsl.component(base_image="python:3.11")
def broken() -> float:
    raise ValueError("no luck")


@dsl.component(base_image="python:3.11")
def end(status: dsl.PipelineTaskFinalStatus) -> str:
    return status.state


@dsl.pipeline
def inner(text: str, factor: int) -> float:
    counted = count(text=text, times=factor)
    summed = total(lines=counted.outputs["lines"])
    return summed.outputs["Output"]


@dsl.pipeline(name="chained")
def chained(word: str = "hello", factor: int = 3, other: str = ""):
    deep = inner(text=word, factor=factor)
    counted = count(text=f"<{word}>")
    fold(lines=counted.outputs["lines"])
    shown = show(text=f"sum of {word}", number=deep.output)
    with dsl.If(shown.output == "x"):
        show(text="never", number=1.0).set_display_name("inside")
    with dsl.ParallelFor([1, 2]) as n:
        count(text="loop", times=n)
    got = dsl.importer(artifact_uri="gs://b/x", artifact_class=Dataset)
    total(lines=got.output).set_display_name("imported")
    failed = broken()
    show(text="after", number=failed.output)


def documents(pipeline, folder: Path):
    path = folder / "pipeline.yaml"
    compiler.Compiler().compile(pipeline, str(path))
    return load_documents(path.read_text())[0], read_pipeline(path.read_text())


class Flow:
    """Runs each task as a flow does, and remembers what it made."""

    def __init__(self, pipeline, folder: Path) -> None:
        self.folder = folder
        self.document, read = documents(pipeline, folder)
        self.runner = Here(folder)
        self.steps = {step.executor: step for step in read.steps}
        self.components = components(self.document)
        self.made = {}

    def __call__(self, ready):
        settings = TrialSettings()
        case = case_for(
            self.steps[ready.executor], (), settings, self.components[ready.executor], self.folder
        )
        case = replace(case.running(ready.given), place=self.runner.place)
        folder = self.folder / ready.task.replace("/", "-")
        verdict = try_image(self.runner, NO_IMAGE, case, plan=None, folder=folder)
        if not verdict.passed:
            self.made[ready.task] = verdict.failures[-1].text
            return None
        self.made[ready.task] = produced(folder / "run", ready.ports, case.place)
        return self.made[ready.task]

    def run(self, **more):
        return {told.task: told for told in run_chain(self.document, self, **more)}


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chain")
    flow = Flow(chained, folder)
    return flow, flow.run(parameters={"word": "hi"}, record=folder / "record")


def test_values_go_from_task_to_task(ran):
    flow, _ = ran
    made = flow.made["inner/total"]
    assert made.parameters == {"Output": 3.0, "said": "hi"}
    assert made.artifacts["sums"][0].metadata == {"lines": 3}
    assert flow.made["show"].parameters == {"Output": "sum of hi 3.0"}


def test_artifacts_are_files_and_folders(ran):
    flow, _ = ran
    lines = flow.made["count"].artifacts["lines"][0]
    assert (lines.path.read_text(), dict(lines.metadata)) == ("<hi>\n<hi>\n", {"times": 2})
    folder = flow.made["fold"].artifacts["folder"][0].path
    assert (folder / "inner" / "upper.txt").read_text() == "<HI>\n<HI>\n"


def test_what_a_backend_decides_is_told_with_the_reason(ran):
    _, told = ran
    reasons = {task: one.reason for task, one in told.items() if one.reason}
    assert reasons == {
        "condition-1/show-2": "it runs on a condition",
        "for-loop-3/count-2": "it runs in a loop",
        "importer": "an importer fetches it",
        "total": "it needs artifact of importer: an importer fetches it",
        "show-3": "it needs Output of broken: it failed",
    }
    assert told["broken"] == Told("broken", "exec-broken", "")


def test_a_failure_says_what_the_step_said(ran):
    flow, _ = ran
    assert flow.made["broken"] == "the step ended with status 1: ValueError: no luck"


def test_a_record_is_what_a_step_was_given(ran):
    flow, _ = ran
    given = read_inputs(flow.folder / "record" / "fold")
    assert given.artifacts["lines"][0].path.read_text() == "<hi>\n<hi>\n"
    assert given.artifacts["lines"][0].schema == "system.Dataset"
    given = read_inputs(flow.folder / "record" / "count")
    assert given.parameters == {"text": "hi", "times": 3}


def test_given_inputs_stand_for_what_cannot_be_had(tmp_path):
    (tmp_path / "data").write_text("a\nb\n")
    flow = Flow(chained, tmp_path)
    seen = {}

    def look(ready):
        seen[ready.task] = ready.given

    lines = Given(artifacts={"lines": (OnDisk(tmp_path / "data", metadata={"times": 2}),)})
    told = run_chain(flow.document, look, given={"exec-total": lines, "exec-total-2": lines})
    assert {t.task: t.reason for t in told}["total"] == ""
    assert seen["total"].artifacts == lines.artifacts


@dsl.pipeline(name="ending")
def ending(needed: str):
    with dsl.ExitHandler(end()):
        show(text=needed, number=2.0)


def test_an_exit_task_is_told_of_success_and_a_missing_parameter_by_name(tmp_path):
    flow = Flow(ending, tmp_path)
    seen = {}
    told = run_chain(flow.document, lambda ready: seen.setdefault(ready.task, ready.given))
    assert [t.reason for t in told if t.reason] == ["it needs text, which is not known here"]
    assert seen["end"].parameters["status"]["state"] == "SUCCEEDED"
