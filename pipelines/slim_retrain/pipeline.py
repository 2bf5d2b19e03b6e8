"""The example retrain, every step on a slim image that the same run makes sure of.

The lock beside this file travels with the compiled pipeline: a schedule never floats to new
versions, and a step whose image is in the registry costs a look-up.  ``make compile`` writes
``pipeline.yaml``; docs/components.md tells how the lock is made anew.
"""

from pathlib import Path
from typing import List  # noqa: UP035 (the SDK reads the annotations as they stand)

from kfp import dsl

from kfslim.dsl import slim
from kfslim.pipelines.retrain.pipeline import evaluate, features, ingest, register, train, validate

LOCK = Path(__file__).with_name("kfslim.lock.json")


@dsl.pipeline(
    name="slim-retrain",
    description="Retrain, judge and register a classifier, on slim images made by the same run.",
)
def slim_retrain(
    registry: str = "localhost:5000/retrain",
    pull_from: str = "",
    upgrade: List[str] = [],  # noqa: B006, UP006 (an input's default)
    minimum_rows: int = 500,
    test_share: float = 0.2,
    folds: int = 5,
    seed: int = 7,
    minimum_roc_auc: float = 0.98,
    insecure: bool = False,
):
    """Retrain on slim images.

    Args:
        registry: The repository that images go to: host/repo.
        pull_from: The repository's name for the nodes, where that differs: host/repo.
        upgrade: What to take newer than in the lock: packages, base (all bases), or all.
        minimum_rows: Fewer rows than this fail the run.
        test_share: The share of rows that is held back for evaluation.
        folds: Folds of the cross-validation that chooses a model.
        seed: Of everything that is random.
        minimum_roc_auc: The bar that a champion must clear.
        insecure: Allow plain HTTP and unverified TLS to registries beyond the pod.
    """

    def slimmed(task):
        return slim(
            task, registry, plan=LOCK, upgrade=upgrade, pull_from=pull_from, insecure=insecure
        )

    data = slimmed(ingest())
    checked = slimmed(validate(raw=data.outputs["raw"], minimum_rows=minimum_rows))
    sets = slimmed(features(valid=checked.outputs["valid"], test_share=test_share, seed=seed))
    fitted = slimmed(train(train_set=sets.outputs["train_set"], folds=folds, seed=seed))
    fitted.set_cpu_limit("2").set_memory_limit("2G")
    judged = slimmed(evaluate(model=fitted.outputs["model"], test_set=sets.outputs["test_set"]))
    slimmed(
        register(
            model=fitted.outputs["model"],
            roc_auc=judged.outputs["Output"],
            minimum_roc_auc=minimum_roc_auc,
        )
    )
