import numpy as np
import pandas as pd


def cache_features(path: str, count: int = 8) -> float:
    """Write the features where the next step maps them into memory."""
    values = np.arange(count, dtype="float32")
    pd.DataFrame({"x": values, "y": values**2}).to_feather(path)
    return float(pd.read_feather(path)["y"].max())
