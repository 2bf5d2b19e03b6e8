"""Pages of facts and tables, as Markdown and as HTML."""

from html.parser import HTMLParser

from kfslim.report.html.page import render_page
from kfslim.report.markdown import LIMIT, render_markdown
from kfslim.report.page import Page, PageTable

HOSTILE = "<script>alert(1)</script> | `x` *y* [z](http://evil.invalid)\n# head"
PAGE = Page(
    f"Title {HOSTILE}",
    (("Content", "12 MB"), (f"Name {HOSTILE}", HOSTILE)),
    (PageTable("Steps", ("Step", ">Content"), (("one", "1 MB"), (HOSTILE, "2 MB"))),),
    (f"Note {HOSTILE}",),
)


class Tags(HTMLParser):
    """Collects tags, and the text of table cells."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.cells: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "td":
            self.cells.append("")

    def handle_data(self, data):
        if self.tags and self.tags[-1] in ("td", "code") and self.cells:
            self.cells[-1] += data


def test_markdown_has_a_table_with_numbers_to_the_right():
    text = render_markdown(Page("T", (), (PageTable("S", ("Step", ">Size"), (("a", "1 B"),)),)))
    assert "| Step | Size |\n| :-- | --: |\n| a | 1 B |" in text


def test_markdown_takes_nothing_for_its_own():
    text = render_markdown(PAGE)
    assert "<script>" not in text.replace("\\<", "")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 4
    assert all(row.replace("\\|", "").count("|") == 3 for row in rows)
    heads = [line for line in text.splitlines() if line.startswith("#")]
    assert len(heads) == 2
    assert "](" not in text.replace("\\]", "")


def test_markdown_stays_below_what_the_ui_shows():
    row = ("x" * 1000, "y" * 1000)
    text = render_markdown(Page("Long", (), (PageTable("S", ("A", "B"), (row,) * 500),)))
    assert len(text) <= LIMIT
    assert text.rstrip().endswith("longer than the viewer shows.*")
    assert all(line.endswith("|") for line in text.splitlines() if line.startswith("|"))


def test_html_escapes_everything_and_loads_nothing():
    text = render_page(PAGE)
    found = Tags()
    found.feed(text)
    assert not {"script", "iframe", "link", "img", "a"} & set(found.tags)
    assert "one" in found.cells
    assert HOSTILE in found.cells


def test_what_is_short_is_a_figure_and_what_is_long_a_row():
    text = render_page(Page("T", (("Content", "12 MB"), ("Image", "r/x@sha256:" + "0" * 64))))
    assert 'class="value">12 MB<' in text
    assert f"<code>r/x@sha256:{'0' * 64}</code>" in text
