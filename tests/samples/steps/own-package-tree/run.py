import sys
from pathlib import Path

sys.path.insert(0, "src")
from main import main

Path("s.yaml").write_text("names: [a, b, c]\n")
assert sorted(main("s.yaml")) == ["a", "b", "c"]
