from pathlib import Path

from step import picture

picture("g.png")
assert Path("g.png").stat().st_size > 1000
