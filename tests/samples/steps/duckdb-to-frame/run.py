from pathlib import Path

from step import top

Path("s.csv").write_text("name,score\na,1\nb,9\n")
assert top("s.csv") == ["b", "a"]
