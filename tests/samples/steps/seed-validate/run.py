import json

import pandas
from step import validate

pandas.DataFrame({"a": [1.0, None]}).to_parquet("d.parquet")
assert validate("d.parquet", "r.json") is False
assert json.load(open("r.json")) == {"a": 1}
