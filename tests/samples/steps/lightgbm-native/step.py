import lightgbm
import numpy as np


def train(rows: int) -> int:
    features = np.arange(rows, dtype=float).reshape(-1, 1)
    data = lightgbm.Dataset(features, label=features[:, 0])
    booster = lightgbm.train({"verbose": -1, "num_threads": 1}, data, num_boost_round=2)
    return booster.num_trees()
