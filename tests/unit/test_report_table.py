import io
from pathlib import Path

import pytest

from kfslim.lock.model import Lock, Locked
from kfslim.measure.model import (
    DistributionMeasure,
    LayerMeasure,
    Measurement,
    OsPackageMeasure,
    PipelineMeasure,
    RuntimeInstall,
    StepMeasure,
    Waste,
)
from kfslim.model import load_document
from kfslim.report.measured import print_declared, print_measurement, print_pipeline
from kfslim.report.model import Report
from kfslim.report.table import print_report

SAMPLE = Path(__file__).parents[1] / "samples" / "report" / "report.json"


def lines(printer, *values) -> list[str]:
    stream = io.StringIO()
    printer(*values, stream)
    assert "\x1b" not in stream.getvalue(), "a pipe gets plain text"
    return stream.getvalue().splitlines()


def line_of(word: str, printed: list[str]) -> list[str]:
    return next(line.split() for line in printed if line.split()[:1] == [word])


@pytest.fixture
def measured() -> Measurement:
    return Measurement(
        reference="docker://docker.io/library/python:3.11",
        digest="sha256:" + "0" * 64,
        platform="linux/amd64",
        content_bytes=370_000_000,
        disk_bytes=1_010_000_000,
        unowned_bytes=12_000_000,
        layers=(
            LayerMeasure(
                digest="sha256:" + "1" * 64,
                content_bytes=370_000_000,
                disk_bytes=1_010_000_000,
                files=20_481,
                command="RUN pip install feast[redis]",
            ),
        ),
        distributions=tuple(
            DistributionMeasure(name=f"d{i}", version="1", disk_bytes=1_000_000 + i)
            for i in range(20)
        ),
        os_packages=(OsPackageMeasure(name="git", version="2.39", disk_bytes=40_000_000),),
        waste=(
            Waste(reason="tests", disk_bytes=50_000_000, files=900, examples=("/usr/x/tests",)),
        ),
    )


def test_the_report_has_a_line_per_step_and_the_totals():
    report = load_document(Report, SAMPLE)
    printed = lines(print_report, report)
    train = line_of("train", printed)
    assert train[1:3] == ["370", "MB"]
    assert train[-2:] == ["−78", "%"]
    text = "\n".join(printed)
    assert "370 MB → 160 MB" in text
    assert "131 packages" in text
    assert "171 MB pushed" in text
    assert "the image has no Python" in text


def test_names_with_brackets_are_not_markup(measured):
    assert any("feast[redis]" in line for line in lines(print_measurement, measured))


def test_a_measurement_sums_up_its_long_lists(measured):
    printed = lines(print_measurement, measured)
    assert any(line.split()[:2] == ["d19", "1"] for line in printed)
    assert not any(line.split()[:2] == ["d0", "1"] for line in printed)
    assert any(line.split() == ["5", "more", "5.00", "MB"] for line in printed)
    assert line_of("tests", printed)[1:3] == ["50.0", "MB"]
    assert line_of("git", printed)[1:] == ["2.39", "40.0", "MB"]


def test_a_pipeline_says_what_a_run_pulls_and_installs(measured):
    install = RuntimeInstall(distributions=11, content_bytes=75_000_000, disk_bytes=1)
    steps = (
        StepMeasure(name="train", reference="python:3.11", image=measured, runtime_install=install),
        StepMeasure(name="notify", reference="alpine", reason="no such image"),
    )
    pipeline = PipelineMeasure(
        pipeline="p",
        steps=steps,
        unique_content_bytes=370_000_000,
        runtime_install_bytes=75_000_000,
    )
    printed = lines(print_pipeline, pipeline)
    assert "11 packages, 75.0 MB" in " ".join(line_of("train", printed))
    assert "(no such image)" in " ".join(line_of("notify", printed))
    assert any("370 MB" in line and line.startswith("A fresh node") for line in printed)


def test_a_list_is_priced():
    wheel = Locked(name="torch", version="2", file="t.whl", sha256="0", content_bytes=900_000_000)
    lock = Lock(declaration="d", python="3.11", platform="linux/amd64", distributions=(wheel,))
    weight = RuntimeInstall(distributions=1, content_bytes=900_000_000, disk_bytes=2_500_000_000)
    stream = io.StringIO()
    print_declared("requirements.txt", lock, weight, stream)
    assert "2.50 GB" in stream.getvalue()
    assert "torch 2" in stream.getvalue()


def test_a_remark_is_said_once_with_its_steps():
    report = load_document(Report, SAMPLE)
    steps = [
        step.model_copy(
            update={
                "notes": ("it was odd",) if place == 0 else (),
                "before": step.before.model_copy(update={"reason": "the registry is away"}),
            }
        )
        for place, step in enumerate(report.steps)
    ]
    printed = lines(print_report, report.model_copy(update={"steps": tuple(steps)}))
    (away,) = (line for line in printed if "the registry is away" in line)
    assert away.startswith("all steps  before: ")
    (odd,) = (line for line in printed if "it was odd" in line)
    assert odd.startswith(f"{steps[0].name} ")
