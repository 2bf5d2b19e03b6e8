import polars as pl


def chart(path: str) -> None:
    frame = pl.DataFrame({"step": [0, 1, 2], "loss": [0.9, 0.5, 0.3]})
    frame.plot.line(x="step", y="loss").save(path)
