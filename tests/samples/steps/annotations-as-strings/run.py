from pathlib import Path

from step import columns

Path("s.yaml").write_text("columns: [a, b]\n")
assert columns("s.yaml") == ["a", "b"]
