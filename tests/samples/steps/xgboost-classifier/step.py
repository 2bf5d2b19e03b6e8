import numpy as np
from xgboost import XGBClassifier


def train(rows: int) -> float:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(rows, 2))
    labels = (features.sum(axis=1) > 0).astype(int)
    model = XGBClassifier(n_estimators=5, max_depth=2, n_jobs=1).fit(features, labels)
    return float((model.predict(features) == labels).mean())
