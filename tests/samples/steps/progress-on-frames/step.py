import pandas as pd
from tqdm import tqdm

tqdm.pandas(disable=True)


def double(values: list) -> list:
    return pd.Series(values).progress_apply(lambda value: value * 2).tolist()
