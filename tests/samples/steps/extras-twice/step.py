import pandas as pd


def exchange(path: str) -> int:
    pd.DataFrame({"n": [20, 22]}).to_excel(path, index=False)
    return int(pd.read_excel(path)["n"].sum())
