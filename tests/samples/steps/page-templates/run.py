from pathlib import Path

from step import render

Path("index.html").write_text("<p>{{ name }}</p>")
assert render(".") == "<p>model</p>"
