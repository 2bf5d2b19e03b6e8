import lightgbm as lgb
import numpy as np


def train(rows: int) -> int:
    features = np.arange(rows, dtype=float).reshape(-1, 1)
    model = lgb.LGBMRegressor(n_estimators=3, n_jobs=1, verbose=-1)
    model.fit(features, features[:, 0] * 2)
    return len(model.predict(features))
