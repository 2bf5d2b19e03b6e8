import pandas as pd


def density(path: str) -> None:
    pd.Series([1.0, 2.0, 2.5, 4.0]).plot.kde().figure.savefig(path)
