import pandas as pd


def fill(values: list) -> list:
    """Straight lines between neighbours: nothing but pandas itself."""
    return pd.Series(values, dtype="float64").interpolate(method="linear").tolist()
