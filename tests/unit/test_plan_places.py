"""Where an archive keeps a package is in the plan, and decides nothing."""

from __future__ import annotations

import pytest

from kfslim.errors import BadPlan
from kfslim.lock.model import Lock
from kfslim.plan.check import check_plan
from kfslim.plan.model import (
    BasePlan,
    DebianPackage,
    ImagePlan,
    Plan,
    PythonFacts,
    StepPlan,
)

POOL = "pool/updates/main/libx/libx+y/libx+y1_2.0~rc1-3+deb12u1_amd64.deb"
LOCK = Lock(declaration="d", python="3.11", platform="linux/amd64")


def plan_of(path: str, sha256: str = "b" * 64) -> Plan:
    package = DebianPackage(
        name="libx+y1",
        version="1:2.0~rc1-3+deb12u1",
        architecture="amd64",
        sha256=sha256,
        content_bytes=1,
        path=path,
    )
    base = BasePlan(
        asked="deb:bookworm",
        digest="sha256:" + "a" * 64,
        platform="linux/amd64",
        python=PythonFacts(version="3.11.2", executable="/usr/bin/python3.11"),
        packages=(package,),
    )
    image = ImagePlan(base=base, lock=LOCK, os_packages=(package,))
    return Plan(pipeline="p", steps=(StepPlan(name="s", executor="e", images=(image,)),))


def test_a_path_changes_no_digest_and_a_hash_does():
    digests = {plan_of(path).steps[0].step_digest for path in ("", POOL, "pool/x.deb")}
    assert len(digests) == 1
    assert plan_of(POOL, "c" * 64).steps[0].step_digest not in digests


def test_a_plan_of_before_there_were_paths_is_read_and_keeps_its_digest():
    new = plan_of(POOL)
    saved = new.model_dump(mode="json")
    image = saved["steps"][0]["images"][0]
    for package in (*image["base"]["packages"], *image["os_packages"]):
        assert package.pop("path") == POOL
    old = Plan.model_validate(saved)
    assert old.steps[0].images[0].os_packages[0].path == ""
    assert old.steps[0].step_digest == new.steps[0].step_digest


@pytest.mark.parametrize("path", ["", POOL, "pool/main/d/dash/dash_1.deb"])
def test_paths_in_an_archive(path):
    check_plan(plan_of(path))


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x.deb", "pool/../../x.deb", "pool//x", "https://x.org/x.deb", "a?b"]
)
def test_other_paths_are_refused(path):
    with pytest.raises(BadPlan, match="no path in an archive"):
        check_plan(plan_of(path))
