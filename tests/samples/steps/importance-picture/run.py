from pathlib import Path

from step import picture

picture("i.png")
assert Path("i.png").stat().st_size > 1000
