from pathlib import Path

from step import picture

picture("c.png")
assert Path("c.png").stat().st_size > 1000
