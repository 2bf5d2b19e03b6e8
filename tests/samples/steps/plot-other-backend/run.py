from pathlib import Path

from step import curve

curve("loss.html")
assert "loss" in Path("loss.html").read_text()
