from pathlib import Path

from step import drift

Path("t.csv").write_text("reference,current\n1,2\n2,3\n3,9\n")
assert drift("t.csv") == 1.0
