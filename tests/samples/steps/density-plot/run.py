from pathlib import Path

from step import density

density("d.png")
assert Path("d.png").stat().st_size > 1000
