import json

import pandas as pd
from step import train

frame = pd.DataFrame({"x": range(40), "label": [i % 2 for i in range(40)]})
frame.to_parquet("data.parquet")
train("data.parquet", "model.joblib", "metrics.json")
assert "accuracy" in json.load(open("metrics.json"))
