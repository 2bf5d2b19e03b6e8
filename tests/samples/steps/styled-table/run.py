from pathlib import Path

from step import render

render("t.html")
assert "0.83" in Path("t.html").read_text()
