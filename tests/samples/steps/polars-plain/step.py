import polars as pl


def total(path: str) -> int:
    query = pl.scan_csv(path).group_by("kind").agg(pl.col("n").sum())
    return int(query.filter(pl.col("kind") == "a").collect()["n"][0])
