from pathlib import Path

from step import highlight

Path("a.py").write_text("print(1)\n")
assert highlight("a.py", "a.html") == 0
assert "print" in Path("a.html").read_text()
