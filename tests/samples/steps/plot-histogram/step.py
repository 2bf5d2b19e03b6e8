import pandas as pd


def histogram(path: str) -> None:
    values = pd.Series([1, 2, 2, 3, 3, 3], name="score")
    values.plot(kind="hist", bins=3).get_figure().savefig(path)
