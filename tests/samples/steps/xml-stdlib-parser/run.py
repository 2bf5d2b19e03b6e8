from pathlib import Path

from step import read_feed

Path("feed.xml").write_text(
    "<items><item><price>2</price></item><item><price>5</price></item></items>"
)
assert read_feed("feed.xml") == 7
