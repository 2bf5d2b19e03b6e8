"""Which layer lies in which steps."""

from __future__ import annotations

from kfslim.report.html.markup import Html, tag
from kfslim.report.model import LayerReport, Report
from kfslim.report.sizes import counted, human_bytes

UPRIGHT = 8  # more steps than this, and their names stand upright
ROWS = 24  # layers shown one by one; the rest is summed up


def matrix(report: Report) -> Html:
    """Return the section with a table: layers down, steps across, the widest shared on top."""
    layers = {layer.digest: layer for step in report.steps for layer in step.layers}
    order = sorted(layers.values(), key=lambda x: (-x.shared * x.content_bytes, x.digest))
    heaviest = max((layer.content_bytes for layer in order), default=1) or 1
    rows = [_row(layer, report, heaviest) for layer in order[:ROWS]]
    if rest := order[ROWS:]:
        rows.append(_rest(rest, len(report.steps)))
    shape = "matrix many" if len(report.steps) > UPRIGHT else "matrix"
    table = tag("table", tag("thead", _head(report)), tag("tbody", rows), class_=shape)
    return tag(
        "section",
        tag("h2", "Shared layers"),
        tag(
            "p",
            "A layer that several steps have is stored once in the registry and pulled once by a "
            "node.",
            class_="muted",
        ),
        tag("div", table, class_="scroll", tabindex="0", role="region", aria_label="Shared layers"),
    )


def _head(report: Report) -> Html:
    names = [tag("th", tag("span", step.name), scope="col", class_="step") for step in report.steps]
    layer, content = (
        tag("th", "Layer", scope="col"),
        tag("th", "Content", scope="col", class_="number"),
    )
    gauge = tag("td", class_="gauge")
    return tag("tr", layer, content, gauge, names)


def _row(layer: LayerReport, report: Report, heaviest: int) -> Html:
    width = f"width:{100 * layer.content_bytes / heaviest:.1f}%"
    cells = [
        tag("td", _mark(any(x.digest == layer.digest for x in step.layers)), class_="mark")
        for step in report.steps
    ]
    return tag(
        "tr",
        tag("th", _label(layer), scope="row", title=_title(layer)),
        tag("td", human_bytes(layer.content_bytes), class_="number"),
        tag("td", tag("i", style=width, class_="new"), class_="gauge", aria_hidden="true"),
        cells,
    )


def _mark(present: bool) -> Html:
    return tag("i", class_="dot", role="img", aria_label="yes") if present else tag("i")


def _label(layer: LayerReport) -> str:
    names = layer.names
    if not names:
        text = " ".join(layer.created_by.split()).removeprefix("kfslim: ") or "base"
        return text if len(text) <= 48 else text[:47] + "…"
    if len(names) <= 2:
        return ", ".join(names)
    return f"{names[0]}, {names[1]} and {len(names) - 2} more"


def _title(layer: LayerReport) -> str:
    what = ", ".join(layer.names) or layer.created_by
    return f"{layer.digest[:19]}… {what}".strip()


def _rest(layers: list[LayerReport], steps: int) -> Html:
    size = human_bytes(sum(layer.content_bytes for layer in layers))
    return tag(
        "tr",
        tag("th", counted(len(layers), "smaller layer"), scope="row"),
        tag("td", size, class_="number"),
        tag("td", class_="gauge"),
        tag("td", colspan=str(steps)),
    )
