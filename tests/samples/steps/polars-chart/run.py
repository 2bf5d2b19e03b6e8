from pathlib import Path

from step import chart

chart("l.json")
assert "loss" in Path("l.json").read_text()
