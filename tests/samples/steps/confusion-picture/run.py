from pathlib import Path

from step import picture

picture([0, 1, 1], [0, 1, 0], "c.png")
assert Path("c.png").stat().st_size > 1000
