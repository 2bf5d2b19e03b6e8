def hand_over(path: str) -> list:
    """The next function wants the old type."""
    import polars as pl

    return list(pl.read_csv(path).to_pandas().columns)
