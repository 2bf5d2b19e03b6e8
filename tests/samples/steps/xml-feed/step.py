import pandas as pd


def read_feed(path: str) -> int:
    return int(pd.read_xml(path)["price"].sum())
