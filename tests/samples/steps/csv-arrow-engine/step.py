def total(path: str) -> int:
    import pandas as pd

    return int(pd.read_csv(path, engine="pyarrow")["n"].sum())
