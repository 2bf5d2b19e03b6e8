import os

import pandas as pd

SOURCE = "s3://landing/orders.csv"


def load() -> int:
    options = {
        "key": "none",
        "secret": "none",
        "endpoint_url": os.environ["OBJECT_STORE"],
    }
    return int(pd.read_csv(SOURCE, storage_options=options)["total"].sum())
