import pandas as pd

ENGINE = "fastparquet"


def convert(source: str, target: str) -> list:
    frame = pd.read_csv(source)
    frame.to_parquet(target, engine=ENGINE)
    return list(pd.read_parquet(target, engine=ENGINE)["kind"])
