def train(rows: int, metrics_path: str) -> float:
    """Compiled elsewhere; the pod has the executor from the platform."""
    import numpy as np
    from sklearn.linear_model import Ridge

    features = np.arange(rows, dtype=float).reshape(-1, 1)
    score = Ridge(alpha=0.0).fit(features, features[:, 0]).score(features, features[:, 0])
    with open(metrics_path, "w") as out:
        out.write(str(score))
    return float(score)
