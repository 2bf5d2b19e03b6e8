import lightgbm as lgb
import numpy as np


def picture(path: str) -> None:
    features = np.random.default_rng(0).normal(size=(80, 2))
    data = lgb.Dataset(features, label=features[:, 0])
    booster = lgb.train({"verbose": -1, "num_threads": 1}, data, num_boost_round=3)
    lgb.plot_importance(booster).figure.savefig(path)
