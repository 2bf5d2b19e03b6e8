"""The example retrain inside Kubeflow's own runner: slimmed by the components, then run.

The refresh pipeline runs in containers of kfslim's own image, the self-assembled one first: it
plans, assembles, publishes, pins and uploads.  The pinned pipeline, which is slim-retrain's static
twin, runs on what was published.  Then once more on the Dockerfile's image: nothing changes.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from parts.command import run
from parts.kfp_backend import KfpBackend, start_backend
from parts.own_image import by_dockerfile, self_assembled
from parts.rooms import pinned_twin
from parts.running import outputs, run_pipeline

from kfslim.cache import Cache
from kfslim.dsl import pack
from kfslim.flow.context import Context
from kfslim.model import load_document
from kfslim.oci import open_store
from kfslim.plan.model import Plan
from kfslim.tasks.trying import judge, question_for

ROOT = Path(__file__).parents[2]
RETRAIN = ROOT / "pipelines" / "retrain" / "pipeline.yaml"
STEPS = ["ingest", "validate", "features", "train", "evaluate", "register"]
BUNDLE = Path(os.environ.get("SSL_CERT_FILE") or "/etc/ssl/certs/ca-certificates.crt")

pytestmark = [pytest.mark.real, pytest.mark.network]


@dataclass(frozen=True)
class Kubeflow:
    """Compiled pipelines for one image of kfslim, and a runner for them."""

    yaml: Path
    root: Path
    mounts: list[object]

    def run(self, name: str, **arguments: object) -> Path:
        """Run a ready pipeline; return the folder with a sub-folder per task."""
        path = self.yaml / "pipelines" / name / "pipeline.yaml"
        return run_pipeline(path, self.root, arguments, network_mode="host", mounts=self.mounts)


@pytest.fixture(scope="module")
def backend():
    with start_backend(KfpBackend()) as running:
        yield running


@pytest.fixture(scope="module")
def kubeflow(engine, backend, tmp_path_factory):
    """A function: image → its pipelines, compiled by the command for a cluster like this one."""
    from docker.types import Mount

    cache = tmp_path_factory.mktemp("claim")
    config = tmp_path_factory.mktemp("config") / "kfslim.toml"
    lines = [f'KF_PIPELINES_ENDPOINT = "{backend.url}"']
    mounts = [Mount("/kfslim/cache", str(cache), type="bind")]
    if BUNDLE.is_file():
        lines.append('SSL_CERT_FILE = "/ca.crt"')
        mounts.append(Mount("/ca.crt", str(BUNDLE.resolve()), type="bind", read_only=True))
    config.write_text("\n".join(["[cluster.environment]", *lines]))

    def on(image: str) -> Kubeflow:
        folder = tmp_path_factory.mktemp("yaml")
        done = run("components", "--image", image, "--config", config, "-o", folder, cache=cache)
        assert done.returncode == 0, done.stderr
        return Kubeflow(folder, tmp_path_factory.mktemp("run"), mounts)

    return on


@pytest.fixture(scope="module")
def assembled(kubeflow, registry, tmp_path_factory) -> Kubeflow:
    return kubeflow(self_assembled(registry, tmp_path_factory.mktemp("self")))


@pytest.fixture(scope="module")
def built(kubeflow, registry, tmp_path_factory) -> Kubeflow:
    cache, folder = tmp_path_factory.mktemp("self"), tmp_path_factory.mktemp("dockerfile")
    return kubeflow(by_dockerfile(registry, cache, folder))


@pytest.fixture(scope="module")
def store(registry):
    opened = open_store(registry.reference("components/retrain"))
    yield opened
    opened.close()


def arguments(store, **more: object) -> dict[str, object]:
    return {
        "pipeline": pack(RETRAIN.read_text()),
        "registry": store.reference.repository,
        "config": 'base = "deb:bookworm"\n',
        "before": False,
        **more,
    }


@pytest.fixture(scope="module")
def refreshed(assembled, store) -> Path:
    return assembled.run("refresh", **arguments(store))


def told(folder: Path, verb: str) -> list[dict]:
    """Return what the tasks of one component said to the SDK."""
    files = sorted(folder.rglob(f"{verb}/executor_output.json"))
    return [json.loads(file.read_text()) for file in files]


def metrics(folder: Path, verb: str) -> list[dict]:
    return [one["artifacts"]["metrics"]["artifacts"][0]["metadata"] for one in told(folder, verb)]


def test_every_step_is_assembled_published_pinned_and_uploaded(refreshed, store, backend):
    assert told(refreshed, "plan")[0]["parameterValues"]["steps"] == STEPS
    images = {one["parameterValues"]["image"] for one in told(refreshed, "publish")}
    assert len(images) == len(STEPS)
    for name in STEPS:
        tags = [tag for tag in store.tags() if tag.startswith(f"{name}-")]
        assert len(tags) == 1
        digest = store.resolve(tags[0]).digest
        assert f"{store.reference.repository}@{digest}" in images
        assert store.resolve(f"candidate-{tags[0]}").digest == digest
    pinned = (refreshed / "pin" / "pinned").read_text()
    assert all(image in pinned for image in images)
    assert len(backend.versions) == 1


def test_figures_and_reports_are_artifacts(refreshed):
    found = metrics(refreshed, "assemble")
    assert len(found) == len(STEPS)
    assert all(0 < one["content_bytes"] < 150_000_000 for one in found)
    assert all(one["packages"] > 1 and one["seconds"] > 0 for one in found)
    assert sum(one["pushed_bytes"] for one in found) > 50_000_000
    assert not any(one["unchanged"] for one in found)
    for page in refreshed.rglob("report"):
        assert page.read_text().startswith("<!doctype html>")
        assert (page.parent / "summary").read_text().startswith("# ")


def test_the_pinned_pipeline_runs_on_what_was_published(refreshed, tmp_path):
    path = tmp_path / "slim.yaml"
    path.write_text((refreshed / "pin" / "pinned").read_text())
    said = outputs(run_pipeline(path, tmp_path / "run"))
    assert set(STEPS) <= set(said)
    assert said["ingest"]["Output"] == 569
    assert said["evaluate"]["Output"] > 0.97
    assert said["register"]["Output"] == "champion"


@pytest.mark.parametrize(("name", "module"), [("validate", "pandas"), ("train", "sklearn")])
def test_a_trial_on_what_was_published_passes(name, module, refreshed, store, tmp_path):
    plan = load_document(Plan, refreshed / "plan" / "plan")
    planned = next(step for step in plan.steps if step.name == name)
    digest = store.resolve(planned.tag).digest
    candidate = store.reference.at(tag=f"candidate-{planned.tag}", digest=digest)
    root = tmp_path / "run"
    root.mkdir()
    with Context(Cache(tmp_path / "cache")) as context:
        asked = question_for(context, planned, RETRAIN.read_text(), digest)
        asked.save(root / "question.json")
        twin = pinned_twin(tmp_path, candidate.at(digest=digest).short, root / "question.json")
        (answer,) = run_pipeline(twin, root).rglob("answer")
        verdict = judge(context, str(answer), candidate)
    assert verdict.passed, verdict.failures
    assert verdict.level == "start"
    assert {"kfp.dsl.executor", module} <= set(verdict.trace.modules)


def test_again_on_the_image_of_the_dockerfile_changes_nothing(
    refreshed, built, store, registry, backend
):
    lock = pack((refreshed / "plan" / "plan").read_text())
    tags, asked, sent = store.tags(), len(registry.requests()), len(backend.changes)
    again = built.run("refresh", **arguments(store, lock=lock))
    assert store.tags() == tags
    here = [r for r in registry.requests()[asked:] if "/components/retrain/" in r]
    assert here
    assert {request.split()[0] for request in here} <= {"GET", "HEAD"}
    assert len(backend.changes) == sent
    for verb in ("assemble", "publish"):
        found = metrics(again, verb)
        assert len(found) == len(STEPS)
        assert all(one["unchanged"] == 1 and one["pushed_bytes"] == 0 for one in found)
    pinned = [(run / "pin" / "pinned").read_bytes() for run in (refreshed, again)]
    assert pinned[0] == pinned[1]


@pytest.mark.parametrize("way", ["assembled", "built"])
def test_measure_runs_on_both(way, refreshed, store, request):
    pinned = (refreshed / "pin" / "pinned").read_text()
    made = request.getfixturevalue(way).run(
        "measure",
        images=[told(refreshed, "publish")[0]["parameterValues"]["image"]],
        pipeline=pack(pinned),
    )
    (found,) = metrics(made, "measure")
    assert found["images"] == len(STEPS)
    assert found["runtime_install_bytes"] == 0
    total = told(made, "measure")[0]["parameterValues"]["content_bytes"]
    assert 0 < total <= 260_000_000
