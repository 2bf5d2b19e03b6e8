from pathlib import Path

from step import to_columns

Path("in.csv").write_text("id,amount\n1,2.5\n2,4.5\n")
assert to_columns("in.csv", "out.parquet") == 7.0
