from pathlib import Path

from step import is_clean

Path("ok.yaml").write_text("---\na: 1\n")
Path("bad.yaml").write_text("---\na: 1\na: 2\n")
assert is_clean("ok.yaml") and not is_clean("bad.yaml")
