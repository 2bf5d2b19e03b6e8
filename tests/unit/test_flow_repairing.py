"""What is put back after a failed trial: what the failure names, else what a search finds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts.installed import make_installed

from kfslim.audit.graph import Environment
from kfslim.flow.repairing import bisect, culprits, removed
from kfslim.lock.anatomy import Anatomy
from kfslim.lock.model import Lock, Locked
from kfslim.plan.model import BasePlan, ImagePlan, PythonFacts, StepPlan
from kfslim.plan.tried import Cut, Dropped
from kfslim.trial.model import Failure

SITE = "/opt/kfslim/lib/python3.11/site-packages"
PYTHON = PythonFacts(version="3.11.2", executable="/usr/bin/python3.11")
MODULES = {
    "pandas": ("pandas", "pandas.io"),
    "pyarrow": ("pyarrow",),
    "mlflow": ("mlflow", "mlflow.sql"),
    "mlflow-skinny": ("mlflow",),
    "google-cloud-storage": ("google.cloud.storage",),
    "google-cloud-core": ("google.cloud._helpers",),
}
ENVIRONMENT = Environment(
    [Anatomy(name=name, version="1", modules=found) for name, found in MODULES.items()], "3.11"
)


def locked(name: str, content_bytes: int = 10) -> Locked:
    return Locked(
        name=name, version="1", file=f"{name}.whl", sha256="0" * 64, content_bytes=content_bytes
    )


def dropped(name: str, requirement: str = "", content_bytes: int = 10) -> Dropped:
    return Dropped(
        locked=locked(name, content_bytes),
        platform="linux/amd64",
        code="KS201",
        requirement=requirement or name,
        why="nothing uses it",
    )


def step(*gone: Dropped, **fields: object) -> tuple[StepPlan, ImagePlan]:
    image = ImagePlan(
        base=BasePlan(asked="x", digest="x", platform="linux/amd64", python=PYTHON),
        lock=Lock(declaration="", python="3.11", platform="linux/amd64"),
        **fields,
    )
    return StepPlan(name="s", executor="exec-s", images=(image,), dropped=gone), image


def missed(failure: Failure, *gone: Dropped, installed=(), **fields: object) -> set[str]:
    found = culprits([failure], *step(*gone, **fields), ENVIRONMENT, installed)
    assert set(found.values()) <= {failure.text}
    return set(found)


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        ({"modules": ("pandas",)}, {"pandas"}),
        ({"modules": ("pandas.io.sql",)}, {"pandas"}),
        ({"distributions": ("pyarrow",)}, {"pyarrow"}),
        ({"modules": ("google.cloud.storage",)}, {"google-cloud-storage"}),
        ({"files": (f"{SITE}/pandas/io/formats/style.tpl",)}, {"pandas"}),
        ({"modules": ("numpy",), "distributions": ("numpy",), "files": ("/etc/hosts",)}, set()),
        ({}, set()),
    ],
)
def test_what_the_failure_names_comes_back(failure, expected):
    gone = [dropped(name) for name in MODULES]
    assert missed(Failure(text="it failed", **failure), *gone) == expected


def test_of_two_that_have_the_module_the_lighter_comes_back_first():
    gone = [dropped("mlflow", content_bytes=100), dropped("mlflow-skinny", content_bytes=20)]
    assert missed(Failure(text="no mlflow", modules=("mlflow",)), *gone) == {"mlflow-skinny"}
    assert missed(Failure(text="no mlflow", modules=("mlflow.sql",)), *gone) == {"mlflow"}


def test_what_was_dropped_for_another_platform_is_not_missed_here():
    other = dropped("pandas").model_copy(update={"platform": "linux/arm64"})
    assert missed(Failure(text="no pandas", modules=("pandas",)), other) == set()


@pytest.mark.parametrize(
    "failure",
    [
        {"modules": ("numpy.f2py",)},
        {"modules": ("numpy.f2py.crackfortran",)},
        {"files": (f"{SITE}/numpy/f2py/src/array.c",)},
        {"files": (f"{SITE}/numpy/one.py",)},
        {"modules": ("numpy.one",)},
    ],
)
def test_what_was_cut_comes_back_for_its_distribution(failure):
    cut = (Cut(name="numpy", paths=("numpy/f2py/", "numpy/one.py")),)
    assert missed(Failure(text="gone", **failure), cut=cut) == {"cut!numpy"}
    assert missed(Failure(text="gone", modules=("numpy.fft",)), cut=cut) == set()


def test_what_was_pruned_comes_back_for_its_distribution(tmp_path):
    files = {"numpy/__init__.py": b"", "numpy/tests/__init__.py": b"", "numpy/tests/test_a.py": b""}
    installed = [make_installed(tmp_path, "numpy", files)]
    failure = Failure(text="No module named 'numpy.tests'", modules=("numpy.tests",))
    assert missed(failure, installed=installed, prune=("tests",)) == {"tests!numpy"}
    spared = ("tests", "tests!numpy")
    assert missed(failure, installed=installed, prune=spared) == set()


def test_a_search_looks_at_cuts_then_rules_then_requirements():
    made = step(
        dropped("pandas", "pandas[sql]>=2"),
        dropped("pytz", "pandas[sql]>=2"),
        dropped("google-cloud-storage", "Google.Cloud_Storage"),
        dropped("orphan", ""),
        dropped("kept-by-name", "elsewhere"),
        prune=("tests", "tests!numpy", "stubs"),
        cut=(Cut(name="numpy", paths=("numpy/f2py/",)),),
    )
    assert removed(*made) == [
        "cut!numpy",
        "tests",
        "stubs",
        "pandas",
        "google-cloud-storage",
        "orphan",
        "kept-by-name",
    ]


@given(st.integers(1, 12), st.sets(st.integers(0, 11), min_size=1), st.integers(0, 60))
def test_a_search_finds_what_is_enough_within_its_bound(count, wanted, tries):
    items = [str(number) for number in range(count)]
    needed = {str(number % count) for number in wanted}
    asked = []

    def passes(names):
        asked.append(names)
        return needed <= set(names)

    found = bisect(items, passes, tries)
    assert needed <= set(found) <= set(items)
    assert len(found) == len(set(found))
    assert len(asked) <= tries
    if tries == 60:
        assert set(found) == needed
