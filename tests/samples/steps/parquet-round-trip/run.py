from step import prepare

assert prepare(10, "out.parquet") == 7
