from pathlib import Path

from step import read

Path("a.toml").write_text("n = 1\n")
Path("a.yaml").write_text("n: 1\n")
assert read("a.toml") == read("a.yaml") == {"n": 1}
