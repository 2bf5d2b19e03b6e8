import pandas as pd


def total(path: str) -> int:
    return int(pd.read_excel(path, engine="calamine")["n"].sum())
