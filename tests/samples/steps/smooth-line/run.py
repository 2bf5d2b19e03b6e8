from pathlib import Path

from step import trend

trend("t.png")
assert Path("t.png").stat().st_size > 1000
