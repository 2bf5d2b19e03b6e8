def train(path: str) -> int:
    import numpy as np
    import xgboost as xgb

    data = xgb.DMatrix(np.eye(8), label=np.arange(8) % 2)
    booster = xgb.train({"objective": "binary:logistic", "nthread": 1}, data, num_boost_round=3)
    booster.save_model(path)
    return booster.num_boosted_rounds()
