"""What is installed fits together, or a sentence says what does not."""

import pytest

from kfslim.lock.model import Lock, Locked
from kfslim.plan.model import BasePlan, ImagePlan, PythonFacts
from kfslim.trial.consistency import Installed, inconsistencies, installed_from

MARKERS = {"python_version": "3.11", "python_full_version": "3.11.2", "sys_platform": "linux"}


def installed(*entries):
    found = [Installed(name, version, requires) for name, version, *requires in entries]
    return {one.name: one for one in found}


def plan(*names, requirements=(), runtime=None):
    base = BasePlan(
        asked="deb:bookworm",
        digest="sha256:0",
        platform="linux/amd64",
        python=PythonFacts(version="3.11.2", executable="/usr/bin/python3"),
    )
    lock = Lock(
        declaration="",
        python="3.11",
        platform="linux/amd64",
        requirements=requirements,
        distributions=tuple(locked(name) for name in names),
    )
    return ImagePlan(base=base, lock=lock, runtime=runtime)


def locked(name, version="1.0"):
    return Locked(name=name, version=version, file=f"{name}.whl", sha256="", content_bytes=1)


def texts(*args, **more):
    return [failure.text for failure in inconsistencies(*args, **more)]


def test_what_fits_says_nothing():
    found = installed(
        ("a", "1.0", "b>=2", "c; python_version<'3.9'", "d; extra=='x'"), ("b", "2.1")
    )
    assert texts(found, MARKERS) == []
    assert texts({**found, **installed(("b", "1.0"))}, MARKERS) == [
        "a 1.0 requires b>=2, but 1.0 is installed"
    ]


def test_a_missing_distribution_is_named():
    (failure,) = inconsistencies(installed(("a", "1.0", "Some_Thing>=2")), MARKERS)
    assert failure.text == "a 1.0 requires Some_Thing>=2, which is not installed"
    assert failure.distributions == ("some-thing",)


def test_what_was_dropped_on_purpose_is_not_missed():
    assert texts(installed(("a", "1.0", "B")), MARKERS, dropped=["b"]) == []


def test_extras_count_where_somebody_asks_for_them():
    found = installed(("a", "1.0", "c; extra=='x'"), ("b", "1.0", "a[x]"))
    assert texts(found, MARKERS) == ["a 1.0 requires c, which is not installed"]
    assert texts({"a": found["a"]}, MARKERS) == []
    asked = plan("a", requirements=("a[x]",))
    assert texts({"a": found["a"]}, MARKERS, asked) == ["a 1.0 requires c, which is not installed"]


def test_an_extra_may_ask_for_another_of_the_same():
    found = installed(("a", "1.0", "a[y]; extra=='x'", "c; extra=='y'"))
    assert texts(found, MARKERS, plan("a", requirements=("a[x]",))) == [
        "a 1.0 requires c, which is not installed"
    ]


def test_the_plan_is_compared_with_the_image():
    found = installed(("a", "1.00"), ("b", "2.0"))
    assert texts(found, MARKERS, plan("a", "b", "c")) == [
        "the plan has b 1.0, but the image has 2.0",
        "the plan has c 1.0, but the image does not",
    ]


def test_what_the_step_asks_for_is_there():
    lacking = plan("a", requirements=("a<1", "b; python_version<'3'", "c"))
    assert texts(installed(("a", "1.0")), MARKERS, lacking) == [
        "the step requires a<1, but 1.0 is installed",
        "the step requires c, which is not installed",
    ]


def test_neither_the_executor_nor_a_base_is_judged():
    found = installed(("kfp", "2.17.0", "click"), ("base", "1.0", "nowhere"), ("a", "1.0"))
    with_runtime = plan("a", runtime=locked("kfp", "2.17.0"))
    assert texts(found, MARKERS, with_runtime) == []
    assert len(texts(found, MARKERS)) == 2


def test_files_that_record_lists_must_be_there():
    listed = [
        {"name": "a", "version": "1.0", "requires": [], "problems": [["/x/a.py", "gone"]] * 3}
    ]
    (failure,) = inconsistencies(installed_from(listed), MARKERS)
    assert failure.text == "a 1.0: /x/a.py: gone (and 2 more)"
    assert (failure.files, failure.distributions) == (("/x/a.py",) * 3, ("a",))


@pytest.mark.parametrize(
    "answer", [None, 3, [3], [{}], [{"name": "a"}], [{"name": 1, "version": 2, "requires": 3}]]
)
def test_a_hostile_answer_is_passed_over(answer):
    assert inconsistencies(installed_from(answer), MARKERS) == ()


def test_requirements_that_cannot_be_read_are_passed_over():
    assert texts(installed(("a", "1.0", "b (>=2.0) or so", "")), MARKERS) == []


def test_what_nobody_can_compare_is_passed_over():
    strange = ("b>=1", "c; platform_release >= '5'")
    found = installed(("a", "1.0", *strange), ("b", "one"))
    assert texts(found, {**MARKERS, "platform_release": "six-custom"}) == []
