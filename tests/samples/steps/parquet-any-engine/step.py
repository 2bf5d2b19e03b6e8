def to_columns(source: str, target: str) -> float:
    import pandas as pd

    pd.read_csv(source).to_parquet(target)
    return float(pd.read_parquet(target, columns=["amount"])["amount"].sum())
