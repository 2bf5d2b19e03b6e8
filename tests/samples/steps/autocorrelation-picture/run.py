from pathlib import Path

from step import picture

picture([1.0, 2.0, 1.0, 2.0, 1.5, 2.5, 1.0, 2.0], "a.png")
assert Path("a.png").stat().st_size > 1000
