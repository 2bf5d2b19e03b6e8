"""What each step goes without and why, how it was tried, and what had to come back."""

from __future__ import annotations

from kfslim.report.html.markup import Html, Node, tag
from kfslim.report.model import Report, StepReport
from kfslim.report.sizes import human_bytes
from kfslim.report.trials import how_tried, left_out, put_back, what_went


def tried(report: Report) -> Node:
    """Return the section; nothing where no step was audited or tried."""
    steps = [step for step in report.steps if step.gone or step.trial]
    if not steps:
        return None
    words = (
        "Nothing goes without a reason, and an image is published after it was seen to run. "
        "Codes are explained in docs/audit.md."
    )
    return tag(
        "section",
        tag("h2", "Left out, and tried"),
        tag("p", words, class_="muted"),
        [_step(step) for step in steps],
    )


def _step(step: StepReport) -> Html:
    told = [left_out(step) and f"without {left_out(step)}", _tried(step)]
    summary = tag("summary", tag("b", step.name), "  ", " · ".join(filter(None, told)))
    return tag("details", summary, _went(step), _back(step), class_="tried")


def _tried(step: StepReport) -> str:
    said = how_tried(step.trial)
    return f"tried: {said}" if said and said != "not tried" else said


def _went(step: StepReport) -> Node:
    rows = [
        tag(
            "tr",
            tag("th", one.requirement, scope="row"),
            tag("td", one.code),
            tag("td", one.why),
            tag("td", str(one.packages), class_="number"),
            tag("td", human_bytes(one.content_bytes), class_="number"),
        )
        for one in what_went(step.gone)
    ]
    if not rows:
        return tag("p", "All that it declares is there.", class_="muted")
    heads = [tag("th", text, scope="col") for text in ("Requirement", "Code", "Why")]
    numbers = [tag("th", text, scope="col", class_="number") for text in ("Packages", "Content")]
    table = tag("table", tag("thead", tag("tr", heads, numbers)), tag("tbody", rows))
    label = f"What {step.name} goes without"
    return tag("div", table, class_="scroll", tabindex="0", role="region", aria_label=label)


def _back(step: StepReport) -> Node:
    items = [tag("li", tag("b", what), f": {why}") for what, why in put_back(step.trial)]
    return [tag("h3", "Put back"), tag("ul", items)] if items else None
