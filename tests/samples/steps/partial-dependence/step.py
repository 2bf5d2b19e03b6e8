import numpy as np
from sklearn.inspection import PartialDependenceDisplay
from sklearn.linear_model import LinearRegression


def explain(path: str) -> None:
    features = np.arange(40, dtype=float).reshape(-1, 2)
    model = LinearRegression().fit(features, features[:, 0])
    shown = PartialDependenceDisplay.from_estimator(model, features, [0])
    shown.figure_.savefig(path)
