from step import train

assert train(200, "model.joblib") > 0.9
