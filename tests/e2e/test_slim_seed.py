"""The example, every step of which declares the whole list that its one image was built from."""

from __future__ import annotations

from pathlib import Path

import pytest
from parts.command import every_step_declares, result, shared_cache
from parts.need import missing

from kfslim.audit.codes import CODES
from kfslim.cache import Cache
from kfslim.trial.private_root import PrivateRoot

ROOT = Path(__file__).parents[2]
PIPELINE = ROOT / "pipelines" / "retrain" / "pipeline.yaml"
LIST = (ROOT / "bench" / "seed-requirements.txt").read_text().split()
# What nobody in this pipeline uses; and what each step cannot do without.
FOREIGN = {"feast", "s3fs", "boto3", "kubernetes", "kfp-kubernetes", "redis", "psycopg", "dask"}
NEEDED = {
    "ingest": {"pandas", "pyarrow", "scikit-learn", "numpy"},
    "validate": {"pandas", "pandera", "pyarrow", "numpy"},
    "features": {"pandas", "pyarrow", "numpy"},
    "train": {"joblib", "mlflow-skinny", "scikit-learn", "numpy"},
    "evaluate": {"joblib", "scikit-learn", "numpy"},
    "register": {"mlflow-skinny"},
}
MB = 1_000_000

pytestmark = [pytest.mark.real, pytest.mark.network]


@pytest.fixture(scope="module")
def slimmed(tmp_path_factory) -> dict:
    """The report, steps by name."""
    cache, folder = shared_cache(tmp_path_factory), tmp_path_factory.mktemp("seed")
    if reason := PrivateRoot(Cache(cache)).refusal():
        missing(reason)
    (folder / "pipeline.yaml").write_text(every_step_declares(PIPELINE, LIST))
    report = result(
        "slim", folder / "pipeline.yaml", "--base", "deb:bookworm", "--no-before", "--run",
        "--prune", "trace", "--to", f"oci:{folder}/images", "-o", folder / "slim.yaml",
        "--plan", folder / "plan.json", "--report", folder, cache=cache, timeout=1200,
    )  # fmt: skip
    assert report["left_alone"] == []
    return report | {"steps": {step["name"]: step for step in report["steps"]}}


def held(step: dict) -> set[str]:
    return {one["name"] for one in step["distributions"]}


def test_every_step_was_seen_to_do_its_work(slimmed):
    for name, step in slimmed["steps"].items():
        trial = step["trial"]
        assert (trial["outcome"], trial["level"]) == ("passed", "run"), name


def test_every_step_holds_what_it_needs_and_nothing_of_other_trades(slimmed):
    for name, step in slimmed["steps"].items():
        assert held(step) >= NEEDED[name], name
        assert not held(step) & FOREIGN, name
    assert {name for name, step in slimmed["steps"].items() if "mlflow-skinny" in held(step)} == {
        "train",
        "register",
    }
    assert {name for name, step in slimmed["steps"].items() if "pandera" in held(step)} == {
        "validate"
    }


def test_every_requirement_has_a_finding_and_what_went_a_reason(slimmed):
    for name, step in slimmed["steps"].items():
        told = {f["requirement"] for f in slimmed["findings"] if f["step"] == name}
        assert told >= set(LIST), name
        assert all(gone["code"] in CODES and gone["why"] for gone in step["gone"]), name
        declared = {text.partition("[")[0] for text in LIST}
        explained = {gone["name"] for gone in step["gone"]}
        assert declared <= held(step) | explained, name


def test_what_no_rule_foresaw_came_back(slimmed):
    """The registry of today's MLflow is a database, for which mlflow-skinny brings nothing."""
    assert set(slimmed["steps"]["register"]["trial"]["put_back"]) >= {"mlflow"}
    assert {"sqlalchemy", "alembic"} <= held(slimmed["steps"]["register"])


def test_the_images_are_small(slimmed):
    sizes = sorted(step["content_bytes"] for step in slimmed["steps"].values())
    assert sizes[len(sizes) // 2] <= 105 * MB
    assert slimmed["totals"]["after"]["content_bytes"] <= 260 * MB
