"""The walks of docs/schedules.md and docs/air-gapped.md, command by command.

The world is a toy and the backend a stand-in; the registry is real, and so is every command.
"""

from __future__ import annotations

import json

import pytest
import yaml
from parts.kfp_backend import KfpBackend, start_backend
from parts.toy import Toy

DAILY = ("--cron", "0 3 * * *")


@pytest.fixture
def toy(tmp_path):
    return Toy.make(tmp_path)


@pytest.fixture
def backend(monkeypatch):
    with start_backend(KfpBackend()) as running:
        monkeypatch.setenv("KF_PIPELINES_ENDPOINT", running.url)
        yield running


def images(spec: dict) -> set[str]:
    executors = spec["deploymentSpec"]["executors"]
    return {executor["container"]["image"] for executor in executors.values()}


def running(backend: KfpBackend) -> set[str]:
    """Return the images of the version that the one schedule takes at its next trigger."""
    (schedule,) = backend.recurring.values()
    assert not schedule.pipeline_version_reference.pipeline_version_id
    return images(backend.newest(schedule.pipeline_version_reference.pipeline_id).pipeline_spec)


def test_from_nothing_to_a_schedule_and_back(toy, backend, registry):
    to = registry.reference(f"walk/{toy.folder.name.lower()}")
    config = toy.folder / "kfslim.toml"
    kept = config.read_text()
    config.unlink()
    assert toy.result("init", toy.pipeline, "--to", to) == {"path": str(config)}
    config.write_text(f'to = "{to}"\n{kept}')
    checks = toy.result("doctor", "--to", to)["checks"]
    assert {c["state"] for c in checks if c["part"] in ("registry", "backend")} == {"ok"}

    def release() -> dict:
        assert toy.here(*toy.slim(to)).returncode == 0
        return toy.result("schedule", "set", toy.output, *DAILY)

    first = release()
    assert len(first["proven"]) == 2
    before = running(backend)
    assert before == set(first["proven"])
    assert not release()["pipeline"]["uploaded"]

    old_plan = toy.folder / "old.json"
    old_plan.write_bytes(toy.plan.read_bytes())
    config.write_text(config.read_text().replace('"beta"]', '"gamma"]'))
    second = release()
    assert second["pipeline"]["uploaded"]
    after = running(backend)
    assert len(after & before) == 1  # the step that did not change has its image still

    toy.result("schedule", "rollback", "toy")
    assert running(backend) == before
    toy.result("schedule", "rollback", "toy")
    assert running(backend) == after

    assert toy.result("prune", to, "--keep", toy.plan)["removed"]
    done = toy.here("schedule", "rollback", "toy")
    assert (done.returncode, "no such manifest" in done.stderr) == (1, True)
    assert running(backend) == after
    toy.result("build", old_plan, "--to", to)
    toy.result("schedule", "rollback", "toy")
    assert running(backend) == before


def test_across_the_gap(toy, backend, registry):
    inside = f"{registry.host}/inner/{toy.folder.name.lower()}"
    assert toy.here(*toy.slim(toy.images, "--pull-from", inside)).returncode == 0
    pinned = next(yaml.safe_load_all(toy.output.read_text()))
    assert {image.partition("@")[0] for image in images(pinned)} == {inside}

    done = toy.here("schedule", "set", toy.output, *DAILY)
    assert (done.returncode, backend.changes) == (1, [])  # they have not crossed yet
    toy.result("publish", toy.images, "--to", f"docker://{inside}")
    crossed = toy.result("schedule", "set", toy.output, *DAILY)
    assert set(crossed["proven"]) == running(backend)
    again = toy.result("publish", toy.images, "--to", f"docker://{inside}")
    assert sum(image["pushed_bytes"] for image in again["images"]) == 0
    assert json.dumps(crossed).count(inside) == 2
