import pandas as pd


def report(path: str) -> float:
    frame = pd.DataFrame({"region": ["north", "south"], "sales": [10.0, 32.0]})
    frame.to_excel(path, index=False)
    return pd.read_excel(path)["sales"].sum()
