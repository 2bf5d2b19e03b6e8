"""kfslim's verdicts on the labelled steps of tests/samples/steps, on real locks and wheels.

Some run always: light ones, of every kind of reason to keep.  With ``KFSLIM_SWEEP=1`` all do, which
downloads a gigabyte.  ``python -m bench audit`` also runs the steps with what is kept.
"""

from __future__ import annotations

import os

import pytest
from parts.audited import Auditor, removed_by, wrongly_removed
from parts.labelled import Case, cases

from kfslim.audit.model import StepAudit

pytestmark = pytest.mark.network
LIGHT = (
    "attrs-old-name",
    "backports-declared",
    "called-module",
    "celery-redis-results",
    "checked-formats",
    "client-http2",
    "client-socks",
    "code-in-markdown",
    "dask-delayed",
    "dates",
    "empty-distribution",
    "form-service",
    "import-by-builtin",
    "import-from-table",
    "imports-in-odd-places",
    "local-module-shadows",
    "logging-by-name",
    "mail-addresses",
    "math-in-markdown",
    "mysql-url",
    "page-templates",
    "parquet-round-trip",
    "re-exported",
    "sqlalchemy-async",
    "token-rs256",
    "undeclared-by-luck",
)
VERDICTS = ("keep", "remove", "merge")
CASES = cases() if os.environ.get("KFSLIM_SWEEP") else cases(LIGHT)


@pytest.fixture(scope="module")
def auditor(tmp_path_factory: pytest.TempPathFactory) -> Auditor:
    return Auditor(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def audits(auditor: Auditor, tmp_path_factory: pytest.TempPathFactory) -> dict[Case, StepAudit]:
    folder = tmp_path_factory.mktemp("steps")
    return {case: auditor.audit(case.copy_step(folder / case.name)) for case in CASES}


def test_every_requirement_has_one_finding(audits: dict[Case, StepAudit]) -> None:
    for case, audit in audits.items():
        found = [f.requirement for f in audit.findings if f.action in VERDICTS]
        assert sorted(found) == sorted(case.requirements), case.name


def test_nothing_is_removed_that_a_step_needs(audits: dict[Case, StepAudit]) -> None:
    wrong = {case.name: wrongly_removed(case, audit) for case, audit in audits.items()}
    assert {name: texts for name, texts in wrong.items() if texts} == {}


def test_most_of_what_can_go_is_removed(audits: dict[Case, StepAudit]) -> None:
    missed = {case.name: case.missed(removed_by(audit)) for case, audit in audits.items()}
    idle = [(case.name, x) for case in audits for x in case.labels if x.is_idle]
    removable = sum(label.disk_bytes for _, label in idle)
    left = sum(label.disk_bytes for name, label in idle if label.requirement in missed[name])
    assert left <= 0.05 * removable, {name: texts for name, texts in missed.items() if texts}
