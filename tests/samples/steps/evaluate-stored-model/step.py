import json


def evaluate(model_path: str, rows: list, truth: list, metrics_path: str) -> None:
    """The model comes from the training step: nothing here says of what kind it is."""
    import joblib

    model = joblib.load(model_path)
    right = sum(int(a == b) for a, b in zip(model.predict(rows), truth))
    with open(metrics_path, "w") as out:
        json.dump({"accuracy": right / len(truth)}, out)
