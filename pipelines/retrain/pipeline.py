"""A nightly retrain: six lightweight steps that declare what they use, and nothing else.

Run this file to compile it to ``pipeline.yaml`` beside it.
"""

from pathlib import Path

from kfp import compiler, dsl
from kfp.dsl import Artifact, ClassificationMetrics, Dataset, Input, Metrics, Model, Output

PYTHON = "python:3.11"


@dsl.component(
    base_image=PYTHON,
    packages_to_install=["pandas==2.3.3", "pyarrow==21.0.0", "scikit-learn==1.7.2"],
)
def ingest(raw: Output[Dataset]) -> int:
    """Write the Wisconsin breast cancer data, which scikit-learn ships, as Parquet."""
    from sklearn.datasets import load_breast_cancer

    frame = load_breast_cancer(as_frame=True).frame
    frame.columns = [name.replace(" ", "_") for name in frame.columns]
    frame.to_parquet(raw.path, index=False)
    raw.metadata["rows"] = len(frame)
    return len(frame)


@dsl.component(
    base_image=PYTHON,
    packages_to_install=["pandas==2.3.3", "pandera==0.26.1", "pyarrow==21.0.0"],
)
def validate(raw: Input[Dataset], minimum_rows: int, valid: Output[Dataset]) -> int:
    """Let only data through that has the shape and the values that training relies on."""
    import pandas as pd
    import pandera.pandas as pa

    frame = pd.read_parquet(raw.path).drop_duplicates()
    measured = [name for name in frame.columns if name != "target"]
    schema = pa.DataFrameSchema(
        {
            **{name: pa.Column(float, pa.Check.ge(0), nullable=False) for name in measured},
            "target": pa.Column(int, pa.Check.isin([0, 1])),
        },
        checks=[
            pa.Check(lambda table: len(table) >= minimum_rows, error="too few rows"),
            pa.Check(lambda table: table["target"].nunique() == 2, error="one class only"),
        ],
        strict=True,
    )
    schema.validate(frame, lazy=True).to_parquet(valid.path, index=False)
    valid.metadata["rows"] = len(frame)
    return len(frame)


@dsl.component(base_image=PYTHON, packages_to_install=["pandas==2.3.3", "pyarrow==21.0.0"])
def features(
    valid: Input[Dataset],
    test_share: float,
    seed: int,
    train_set: Output[Dataset],
    test_set: Output[Dataset],
):
    """Derive ratios, drop near copies of a column, split by class; write plain arrays.

    Arrays instead of Parquet, so that the steps behind need neither pandas nor pyarrow.
    """
    from pathlib import Path

    import numpy as np
    import pandas as pd

    frame = pd.read_parquet(valid.path)
    target = frame.pop("target").to_numpy()
    for name in [c.removeprefix("mean_") for c in frame.columns if c.startswith("mean_")]:
        spread = frame[f"worst_{name}"] - frame[f"mean_{name}"]
        frame[f"excess_{name}"] = spread / (frame[f"mean_{name}"] + 1e-9)

    random = np.random.default_rng(seed)
    is_test = np.zeros(len(frame), dtype=bool)
    for label in np.unique(target):
        members = random.permutation(np.flatnonzero(target == label))
        is_test[members[: round(len(members) * test_share)]] = True

    correlation = np.triu(frame[~is_test].corr().abs().to_numpy(), k=1)
    kept = frame.columns[(correlation < 0.98).all(axis=0)]
    for part, rows in ((train_set, ~is_test), (test_set, is_test)):
        with Path(part.path).open("wb") as file:
            np.savez(file, x=frame.loc[rows, kept].to_numpy(), y=target[rows], names=list(kept))
        part.metadata.update(rows=int(rows.sum()), columns=len(kept))


@dsl.component(
    base_image=PYTHON,
    packages_to_install=["joblib==1.5.2", "mlflow-skinny==3.4.0", "scikit-learn==1.7.2"],
)
def train(
    train_set: Input[Dataset],
    folds: int,
    seed: int,
    model: Output[Model],
    tracking: Output[Artifact],
) -> float:
    """Compare three models by cross-validation, keep the best, track every run with MLflow."""
    import os

    os.environ["GIT_PYTHON_REFRESH"] = "quiet"  # the image needs no git
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    import joblib
    import mlflow
    import numpy as np
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    with np.load(train_set.path) as arrays:
        x, y = arrays["x"], arrays["y"]
    candidates = {
        "logistic-0.1": make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000)),
        "logistic-1": make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=1000)),
        "forest-200": RandomForestClassifier(200, random_state=seed),
    }
    mlflow.set_tracking_uri(f"file://{tracking.path}")
    mlflow.set_experiment("retrain")
    scores = {}
    for name, candidate in candidates.items():
        with mlflow.start_run(run_name=name):
            folds_scores = cross_val_score(candidate, x, y, cv=folds, scoring="roc_auc")
            scores[name] = float(folds_scores.mean())
            mlflow.log_params({"model": name, "rows": len(y), "folds": folds, "seed": seed})
            mlflow.log_metrics({"roc_auc": scores[name], "roc_auc_std": float(folds_scores.std())})
    best = max(scores, key=scores.get)
    joblib.dump(candidates[best].fit(x, y), model.path)
    model.metadata.update(framework="scikit-learn", name=best, roc_auc=scores[best])
    return scores[best]


@dsl.component(base_image=PYTHON, packages_to_install=["joblib==1.5.2", "scikit-learn==1.7.2"])
def evaluate(
    model: Input[Model],
    test_set: Input[Dataset],
    metrics: Output[Metrics],
    curves: Output[ClassificationMetrics],
) -> float:
    """Score the model on rows that it has never seen."""
    import joblib
    import numpy as np
    from sklearn.metrics import (
        accuracy_score,
        confusion_matrix,
        f1_score,
        roc_auc_score,
        roc_curve,
    )

    with np.load(test_set.path) as arrays:
        x, y = arrays["x"], arrays["y"]
    probability = joblib.load(model.path).predict_proba(x)[:, 1]
    predicted = probability >= 0.5
    roc_auc = float(roc_auc_score(y, probability))
    metrics.log_metric("roc_auc", roc_auc)
    metrics.log_metric("accuracy", float(accuracy_score(y, predicted)))
    metrics.log_metric("f1", float(f1_score(y, predicted)))
    false_rate, true_rate, threshold = roc_curve(y, probability)
    curves.log_roc_curve(
        false_rate.tolist(), true_rate.tolist(), np.minimum(threshold, 1.0).tolist()
    )
    curves.log_confusion_matrix(["malignant", "benign"], confusion_matrix(y, predicted).tolist())
    return roc_auc


@dsl.component(base_image=PYTHON, packages_to_install=["mlflow-skinny==3.4.0"])
def register(
    model: Input[Model],
    roc_auc: float,
    minimum_roc_auc: float,
    registry: Output[Artifact],
) -> str:
    """Enter the model in an MLflow registry: as champion when it clears the bar."""
    import os

    os.environ["GIT_PYTHON_REFRESH"] = "quiet"
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    from mlflow import MlflowClient

    alias = "champion" if roc_auc >= minimum_roc_auc else "challenger"
    client = MlflowClient(registry_uri=f"file://{registry.path}", tracking_uri=None)
    client.create_registered_model("breast-cancer", description="benign or malignant")
    version = client.create_model_version(
        "breast-cancer", source=model.uri, tags={"roc_auc": f"{roc_auc:.4f}"}
    )
    client.set_registered_model_alias("breast-cancer", alias, version.version)
    return alias


@dsl.pipeline(name="retrain", description="Retrain, judge and register a classifier.")
def retrain(
    minimum_rows: int = 500,
    test_share: float = 0.2,
    folds: int = 5,
    seed: int = 7,
    minimum_roc_auc: float = 0.98,
):
    data = ingest()
    checked = validate(raw=data.outputs["raw"], minimum_rows=minimum_rows)
    sets = features(valid=checked.outputs["valid"], test_share=test_share, seed=seed)
    fitted = train(train_set=sets.outputs["train_set"], folds=folds, seed=seed)
    fitted.set_cpu_limit("2").set_memory_limit("2G")
    judged = evaluate(model=fitted.outputs["model"], test_set=sets.outputs["test_set"])
    register(
        model=fitted.outputs["model"],
        roc_auc=judged.outputs["Output"],
        minimum_roc_auc=minimum_roc_auc,
    )


if __name__ == "__main__":
    compiler.Compiler().compile(retrain, str(Path(__file__).with_name("pipeline.yaml")))
