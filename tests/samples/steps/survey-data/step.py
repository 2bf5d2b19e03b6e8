def load(path: str) -> list:
    import pandas as pd

    return pd.read_spss(path)["age"].tolist()
