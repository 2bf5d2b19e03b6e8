import pandas as pd


def fill(values: list) -> list:
    series = pd.Series(values, dtype="float64")
    return series.interpolate(method="cubic").round(2).tolist()
