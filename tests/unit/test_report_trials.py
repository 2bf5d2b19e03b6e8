"""What reports tell of what went, of trials, and of what came back."""

import io

import pytest

from kfslim.measure.model import LayerMeasure, Measurement
from kfslim.report.html import render_html
from kfslim.report.make import StepResult, make_report
from kfslim.report.markdown import render_markdown
from kfslim.report.model import Gone, Report, StepTrial, TrialReport, TrialResult
from kfslim.report.pages import report_page
from kfslim.report.table import print_report
from kfslim.report.trials import how_tried, print_trials, put_back, what_went


def gone(name: str, requirement: str, content_bytes: int, why: str = "nothing uses it") -> Gone:
    return Gone(
        name=name,
        version="1",
        content_bytes=content_bytes,
        code="KS201",
        requirement=requirement,
        why=why,
    )


GONE = (
    gone("pandas", "pandas[sql]", 12_000_000),
    gone("pytz", "pandas[sql]", 500_000, "it came with pandas[sql]: nothing uses it"),
    gone("six", "", 11_000, "nothing that stays requires it"),
)
TRIAL = TrialReport(
    outcome="passed",
    level="run",
    runner="private-root",
    seconds=4.2,
    tries=3,
    put_back={"<b>pyarrow": "no engine & no luck", "cut!numpy": "it is gone"},
)


@pytest.fixture
def report() -> Report:
    image = Measurement(
        reference="x",
        digest="sha256:" + "0" * 64,
        platform="linux/amd64",
        content_bytes=10,
        disk_bytes=20,
        unowned_bytes=20,
        layers=(LayerMeasure(digest="sha256:1", content_bytes=10, disk_bytes=20, files=1),),
    )
    step = StepResult("train", "x@sha256:0", "b", image, "old", gone=GONE, trial=TRIAL)
    return make_report("p", [step])


def printed(report: Report) -> str:
    stream = io.StringIO()
    print_report(report, stream)
    return stream.getvalue()


def test_what_came_with_a_requirement_is_counted_with_it():
    first, second = what_went(GONE)
    assert first == ("pandas[sql]", "KS201", "nothing uses it", 2, 12_500_000)
    assert (second.requirement, second.packages) == ("six", 1)


@pytest.mark.parametrize(
    ("trial", "words"),
    [
        (None, ""),
        (TRIAL, "the step itself, 3 trials in 4.2 s"),
        (TrialReport(outcome="known", level="start"), "its start, in an earlier run"),
        (TrialReport(outcome="skipped"), "not tried"),
        (TrialReport(outcome="failed", level="imports"), "its imports: failed"),
    ],
)
def test_how_a_step_was_tried(trial, words):
    assert how_tried(trial).startswith(words)


def test_what_was_put_back_is_named_for_people():
    names = {"pandas": "a", "tests!numpy": "b", "cut!numpy": "c", "*": "d"}
    told = put_back(TrialReport(outcome="passed", put_back=names))
    assert told == [
        ("pandas", "a"),
        ("tests of numpy", "b"),
        ("all files of numpy", "c"),
        ("everything", "d"),
    ]


def test_every_report_tells_what_went_and_what_came_back(report):
    page = render_html(report)
    assert (
        "pandas[sql]" in page and "no engine &amp; no luck" in page and "&lt;b&gt;pyarrow" in page
    )
    assert "<b>pyarrow" not in page
    for text in (printed(report), render_markdown(report_page(report))):
        assert "pandas" in text and "12.5 MB" in text
        assert "no engine & no luck" in text
        assert "the step itself, 3 trials in 4.2 s" in text


def test_steps_without_audit_and_trial_say_nothing_of_them(report):
    bare = report.steps[0].model_copy(update={"gone": (), "trial": None})
    quiet = report.model_copy(update={"steps": (bare,)})
    assert "Left out" not in printed(quiet) + render_html(quiet)
    assert "Left out" not in render_markdown(report_page(quiet))


def test_trials_as_a_table():
    failed = TrialReport(outcome="failed", level="start", seconds=1.5, failure="No module six")
    steps = [StepTrial(name="one", tag="one-1", trial=failed)]
    stream = io.StringIO()
    print_trials(TrialResult(pipeline="p", steps=tuple(steps)), stream)
    assert "one" in stream.getvalue() and "No module six" in stream.getvalue()
