from pathlib import Path

from step import draw

draw("g.svg")
assert "<svg" in Path("g.svg").read_text()
