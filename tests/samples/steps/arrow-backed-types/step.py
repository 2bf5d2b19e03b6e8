import io

import pandas as pd


def load(text: str) -> str:
    frame = pd.read_csv(io.StringIO(text), dtype_backend="pyarrow")
    return str(frame["n"].dtype)
