from pathlib import Path

from step import chart

chart("c.html")
assert "trendline" in Path("c.html").read_text()
