from pathlib import Path

from step import total

Path("n.csv").write_text("kind,n\na,1\na,2\nb,9\n")
assert total("n.csv") == 3
