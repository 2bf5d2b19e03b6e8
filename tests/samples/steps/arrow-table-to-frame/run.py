from step import latest

assert latest("t.parquet") == "tue"
