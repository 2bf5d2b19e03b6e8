import polars as pl


def exchange(path: str) -> int:
    pl.DataFrame({"n": [1, 2, 3]}).write_excel(path)
    return int(pl.read_excel(path)["n"].sum())
