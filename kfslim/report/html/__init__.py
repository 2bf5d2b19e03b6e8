"""One self-contained page of a report: no script, nothing loaded, fit for a sandboxed iframe."""

from __future__ import annotations

from kfslim.report.html.bars import bars
from kfslim.report.html.document import document
from kfslim.report.html.maps import maps
from kfslim.report.html.markup import Html, Node, render, tag
from kfslim.report.html.matrix import matrix
from kfslim.report.html.tiles import tiles
from kfslim.report.html.tried import tried
from kfslim.report.model import Report
from kfslim.report.sizes import counted, human_seconds


def render_html(report: Report) -> str:
    """Return the page as text; every name in it is escaped."""
    main = tag("main", _banner(report), *_sections(report))
    return document(f"{report.pipeline}: slim images", main, _footer(report))


def _sections(report: Report) -> list[Node]:
    if not report.steps:
        return [tag("p", "No step was slimmed."), _left_alone(report)]
    return [
        tiles(report),
        bars(report),
        tried(report),
        maps(report),
        matrix(report),
        _left_alone(report),
        _references(report),
    ]


def _banner(report: Report) -> Html:
    left = len(report.left_alone)
    facts = [counted(len(report.steps), "step") + " slimmed"]
    facts += [counted(left, "step") + " left alone"] if left else []
    facts += [f"base {report.base}"] if report.base else []
    return tag("header", tag("h1", report.pipeline), tag("p", " · ".join(facts), class_="muted"))


def _left_alone(report: Report) -> Node:
    if not report.left_alone:
        return None
    rows = [
        tag(
            "tr",
            tag("th", left.step, scope="row"),
            tag("td", tag("code", left.image or "–")),
            tag("td", left.reason),
        )
        for left in report.left_alone
    ]
    return tag(
        "section",
        tag("h2", "Left alone"),
        tag("p", "These steps run exactly as they did before.", class_="muted"),
        _table(("Step", "Image", "Why"), rows, "Steps left alone"),
    )


def _references(report: Report) -> Html:
    rows = [
        tag(
            "tr",
            tag("th", step.name, scope="row"),
            tag("td", tag("code", step.reference)),
            tag("td", step.python),
        )
        for step in report.steps
    ]
    return tag(
        "section",
        tag("h2", "Published images"),
        _table(("Step", "Reference", "Python"), rows, "Published images"),
        _notes(report),
    )


def _notes(report: Report) -> Node:
    """Say each note once, with the steps that it is of."""
    steps_of: dict[str, list[str]] = {}
    for step in report.steps:
        for note in step.notes:
            steps_of.setdefault(note, []).append(step.name)
    notes = []
    for note, names in steps_of.items():
        every = len(names) == len(report.steps) > 1
        notes.append(tag("li", tag("b", "all steps" if every else ", ".join(names)), f": {note}"))
    return [tag("h3", "Notes"), tag("ul", notes)] if notes else None


def _table(heads: tuple[str, ...], rows: list[Html], label: str) -> Html:
    """Return a table that scrolls sideways in itself on a narrow screen."""
    head = tag("thead", tag("tr", [tag("th", text, scope="col") for text in heads]))
    table = tag("table", head, tag("tbody", rows))
    return tag("div", table, class_="scroll", tabindex="0", role="region", aria_label=label)


def _footer(report: Report) -> Html:
    spent = [f"{phase} {human_seconds(s)}" for phase, s in report.totals.seconds.items()]
    line = f"kfslim {report.kfslim}" + (f" · {', '.join(spent)}" if spent else "")
    return tag("footer", render(line))
