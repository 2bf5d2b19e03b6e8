"""What ``kfslim dockerfile`` refuses; what it writes is built in ``e2e/test_dockerfiles.py``."""

from __future__ import annotations

import json

import pytest
from parts.command import check_refused
from parts.toy import Toy


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    world = Toy.make(tmp_path_factory.mktemp("toy"))
    assert world.here(*world.slim()).returncode == 0
    return world


def test_a_step_that_is_not_there_is_told_with_those_that_are(toy, tmp_path):
    done = toy.here("dockerfile", toy.plan, "-o", tmp_path / "docker", "--step", "three")
    check_refused(done, 2, "the plan has no step 'three'")
    assert "one, two" in done.stderr
    assert not (tmp_path / "docker").exists()


def test_a_folder_of_somebody_else_is_left_alone(toy, tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "Dockerfile").write_text("FROM scratch\n")
    done = toy.here("dockerfile", toy.plan, "-o", tmp_path)
    check_refused(done, 2, "is not empty, and kfslim did not write it")
    assert [path.name for path in tmp_path.rglob("*")] == ["one", "Dockerfile"]


def test_a_base_in_a_folder_can_be_pulled_by_no_engine(toy, tmp_path):
    done = toy.here("dockerfile", toy.plan, "-o", tmp_path / "docker")
    check_refused(done, 2, "no engine can pull the base oci:")
    assert "--base-to" in done.stderr
    assert not (tmp_path / "docker").exists()


def test_a_plan_and_a_pipeline_may_both_be_json(toy, tmp_path):
    (tmp_path / "no-plan.json").write_text('{"pipeline": 1}')
    check_refused(toy.here("dockerfile", tmp_path / "no-plan.json"), 2, "is not a Plan")
    (tmp_path / "ir.json").write_text(json.dumps({"pipelineInfo": {"name": "x"}}))
    done = toy.here("dockerfile", tmp_path / "ir.json", "-o", tmp_path / "docker")
    assert done.returncode == 2
    assert "is not a Plan" not in done.stderr


def test_a_base_goes_where_engines_pull(toy, tmp_path):
    done = toy.here("dockerfile", toy.plan, "-o", tmp_path / "docker", "--base-to", "oci:there")
    check_refused(done, 2, "takes a place that engines pull from")
