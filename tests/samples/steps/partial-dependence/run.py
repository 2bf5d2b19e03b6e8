from pathlib import Path

from step import explain

explain("p.png")
assert Path("p.png").stat().st_size > 1000
