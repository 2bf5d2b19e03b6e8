from kfslim.measure.model import (
    DistributionMeasure,
    LayerMeasure,
    Measurement,
    PythonMeasure,
    RuntimeInstall,
    StepMeasure,
)
from kfslim.report.make import StepResult, footprint, make_report
from kfslim.report.model import Traffic


def layer(letter: str, content: int) -> LayerMeasure:
    return LayerMeasure(
        digest="sha256:" + letter * 64,
        content_bytes=content,
        disk_bytes=3 * content,
        command=f"made {letter}",
    )


def image(layers: list[LayerMeasure], **installed: int) -> Measurement:
    """An image with ``installed`` distributions: name -> index of its layer."""
    return Measurement(
        reference="r",
        digest="sha256:" + "0" * 64,
        platform="linux/amd64",
        content_bytes=sum(x.content_bytes for x in layers),
        disk_bytes=sum(x.disk_bytes for x in layers),
        layers=tuple(layers),
        distributions=tuple(
            DistributionMeasure(name=name, version="1", disk_bytes=10 * (index + 1), layer=index)
            for name, index in installed.items()
        ),
        python=PythonMeasure(version="3.11.2", executable="/usr/bin/python3.11"),
    )


BASE, NUMPY, SCIPY = layer("a", 20), layer("b", 17), layer("c", 35)
OLD = image([layer("f", 400)])
INSTALL = RuntimeInstall(distributions=3, content_bytes=52, disk_bytes=150)


def result(name: str, now: Measurement, before: StepMeasure | None = None) -> StepResult:
    return StepResult(name, f"host/x@{name}", "deb:bookworm", now, "python:3.11", before)


def measured(name: str, old: Measurement | None, reason: str = "") -> StepMeasure:
    return StepMeasure(
        name=name, reference="python:3.11", image=old, runtime_install=INSTALL, reason=reason
    )


TRAIN = image([BASE, NUMPY, SCIPY], numpy=1, scipy=2)
PREPARE = image([BASE, NUMPY], numpy=1)


def test_a_layer_knows_what_is_in_it_and_how_many_steps_have_it():
    report = make_report("p", [result("train", TRAIN), result("prepare", PREPARE)])
    base, numpy, scipy = report.steps[0].layers
    assert (base.names, base.created_by, base.shared) == ((), "made a", 2)
    assert (numpy.names, numpy.shared) == (("numpy",), 2)
    assert (scipy.names, scipy.shared) == (("scipy",), 1)


def test_a_layer_that_an_image_has_twice_is_of_one_step():
    report = make_report("p", [result("train", image([BASE, NUMPY, NUMPY]))])
    assert [x.shared for x in report.steps[0].layers] == [1, 1, 1]


def test_a_fresh_node_pulls_a_shared_layer_once():
    after = footprint([TRAIN, PREPARE])
    assert after.content_bytes == 20 + 17 + 35
    assert after.disk_bytes == 3 * (20 + 17 + 35)
    assert after.summed_content_bytes == 72 + 37
    assert after.median_content_bytes == round((72 + 37) / 2)


def test_totals_compare_only_what_was_measured_completely():
    both = [
        result("train", TRAIN, measured("train", OLD)),
        result("prepare", PREPARE, measured("prepare", OLD)),
    ]
    totals = make_report("p", both).totals
    assert totals.before is not None
    assert totals.before.content_bytes == 400
    assert totals.runtime_install_content_bytes == 104
    assert totals.runtime_install_distributions == 6

    one = [both[0], result("prepare", PREPARE, measured("prepare", None, "not there"))]
    assert make_report("p", one).totals.before is None


def test_an_image_that_was_not_measured_says_why():
    steps = [
        result("a", TRAIN, measured("a", None, "registry refused")),
        result("b", PREPARE),
    ]
    first, second = make_report("p", steps).steps
    assert (first.before.content_bytes, first.before.reason) == (None, "registry refused")
    assert first.runtime_install == INSTALL
    assert second.before.reason == "not measured"
    assert second.runtime_install is None


def test_the_heaviest_distribution_comes_first_and_traffic_is_kept():
    traffic = Traffic(pushed_bytes=5, mounted_bytes=6, present_bytes=7)
    report = make_report("p", [result("t", TRAIN)], traffic=traffic, seconds={"build": 1.5})
    assert [d.name for d in report.steps[0].distributions] == ["scipy", "numpy"]
    assert report.totals.traffic == traffic
    assert report.totals.seconds == {"build": 1.5}
    assert report.base == "deb:bookworm"


def test_a_report_without_steps_is_a_report():
    report = make_report("p", [])
    assert report.steps == ()
    assert report.totals.after.median_content_bytes == 0
