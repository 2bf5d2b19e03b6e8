from pathlib import Path

from step import convert

Path("in.csv").write_text("id,kind\n1,a\n2,b\n")
assert convert("in.csv", "out.parquet") == ["a", "b"]
