import pandas as pd


def export(path: str) -> int:
    pd.DataFrame({"id": range(100)}).to_csv(path, compression="zstd", index=False)
    return len(pd.read_csv(path, compression="zstd"))
