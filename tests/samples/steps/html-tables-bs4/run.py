from pathlib import Path

from step import scrape

Path("page.html").write_text("<table><tr><th>a</th></tr><tr><td>1</td></tr></table>")
assert scrape("page.html") == 1
