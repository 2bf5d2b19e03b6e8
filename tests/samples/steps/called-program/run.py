from pathlib import Path

from step import columns

Path("t.csv").write_text("id,name\n1,a\n")
assert columns("t.csv") == ["id", "name"]
