from pathlib import Path

from step import average

for part in (1, 2):
    Path(f"part-{part}.csv").write_text(f"n\n{part}\n{part}\n")
assert average("part-*.csv") == 1.5
