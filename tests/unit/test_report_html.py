import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from kfslim.model import load_document
from kfslim.report.html import render_html
from kfslim.report.html.markup import Html, render, tag
from kfslim.report.make import make_report
from kfslim.report.model import Report
from kfslim.steps.model import LeftAlone

SAMPLE = Path(__file__).parents[1] / "samples" / "report" / "report.json"
VOID = {"meta", "br", "hr", "input"}


class Balance(HTMLParser):
    """Fails on an element that is closed in the wrong place."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, name, attributes):
        if name not in VOID:
            self.open.append(name)

    def handle_endtag(self, name):
        assert self.open.pop() == name

    def handle_data(self, data):
        self.text.append(data)


def parse(page: str) -> Balance:
    parser = Balance()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser


@pytest.fixture(scope="module")
def report() -> Report:
    return load_document(Report, SAMPLE)


def renamed(report: Report, text: str) -> Report:
    """The report with every name a stranger could choose replaced by ``text``."""
    step = report.steps[0]
    layer = step.layers[0].model_copy(update={"created_by": text, "names": (text,)})
    evil = step.model_copy(
        update={
            "name": text,
            "reference": text,
            "notes": (text,),
            "layers": (layer,),
            "distributions": (step.distributions[0].model_copy(update={"name": text}),),
            "before": step.before.model_copy(
                update={"reference": text, "reason": text, "content_bytes": None}
            ),
        }
    )
    left = LeftAlone(step=text, image=text, reason=text)
    return report.model_copy(
        update={"pipeline": text, "base": text, "steps": (evil,), "left_alone": (left,)}
    )


def test_the_page_is_well_formed_and_names_every_step(report):
    parser = parse(render_html(report))
    text = "".join(parser.text)
    for step in report.steps:
        assert step.name in text
        assert step.reference in text
    for left in report.left_alone:
        assert left.reason in text


def test_the_page_loads_nothing(report):
    page = render_html(report)
    assert not re.search(r"https?://|//[a-z]+\.|url\(|@import|<script|<link|src=", page)


def test_every_string_is_escaped(report):
    evil = """<script>alert("1")</script>' onmouseover='x"""
    page = render_html(renamed(report, evil))
    assert "<script" not in page
    assert "' onmouseover='" not in page
    assert evil in "".join(parse(page).text)


def test_an_image_that_was_not_measured_is_said_once(report):
    steps = [
        step.model_copy(
            update={
                "before": step.before.model_copy(update={"content_bytes": None, "reason": "gone"})
            }
        )
        for step in report.steps
    ]
    page = render_html(report.model_copy(update={"steps": tuple(steps)}))
    assert page.count("– gone") == 1
    assert "unknown +" in page


def test_a_note_of_many_steps_is_said_once(report):
    steps = [step.model_copy(update={"notes": ("as in the tag",)}) for step in report.steps]
    page = render_html(report.model_copy(update={"steps": tuple(steps)}))
    assert page.count("as in the tag") == 1
    assert "<b>all steps</b>: as in the tag" in page
    page = render_html(report.model_copy(update={"steps": (*steps[:2], *report.steps[2:])}))
    assert "<b>ingest, validate</b>: as in the tag" in page


def test_a_report_without_steps_is_a_page():
    left = LeftAlone(step="old", image="python:3.7", reason="Python 3.7 is too old")
    page = render_html(make_report("p", [], left_alone=[left]))
    assert "No step was slimmed." in page
    assert "Python 3.7 is too old" in page


def test_markup_escapes_text_and_attributes():
    assert tag("p", "a < b", Html("<br>"), title='"x"') == (
        '<p title="&quot;x&quot;">a &lt; b<br></p>'
    )
    assert tag("td", None, colspan="2", class_="n", hidden=True, id=None) == (
        '<td colspan="2" class="n" hidden></td>'
    )
    assert tag("meta", charset="utf-8") == '<meta charset="utf-8">'
    assert render(["a&", [tag("b", "c")]]) == "a&amp;<b>c</b>"
