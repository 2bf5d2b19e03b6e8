"""A treemap of every step's image: which packages lie on the node's disk."""

from __future__ import annotations

from typing import NamedTuple

from kfslim.report.html.markup import Html, Node, tag
from kfslim.report.html.treemap import Box, squarify
from kfslim.report.model import Report, StepReport
from kfslim.report.sizes import counted, human_bytes

WIDTH, HEIGHT, LEAST_HEIGHT = 360, 300, 84  # px: a card on a wide screen, the largest image's map
SMALLEST = 1e-3  # of the image: smaller packages are drawn as one


class _Cell(NamedTuple):
    name: str
    title: str
    disk_bytes: int
    kind: str


def maps(report: Report) -> Html:
    """Return the section with one card per step."""
    largest = max(step.disk_bytes for step in report.steps) or 1
    every = len(report.steps)
    return tag(
        "section",
        tag("h2", "What is inside"),
        tag(
            "p",
            "Disk bytes of every package; the larger the image, the taller its map.",
            class_="muted",
        ),
        _legend(every),
        tag("div", [_card(step, largest, every) for step in report.steps], class_="cards"),
    )


def _legend(every: int) -> Html:
    entries = [("base", "base image"), ("own", "only in this step")]
    if every > 1:
        entries[1:1] = [("most", "in most steps"), ("some", "in some steps")]
    keys = [tag("li", tag("i", class_=f"key {kind}"), text) for kind, text in entries]
    return tag("ul", keys, class_="legend")


def _card(step: StepReport, largest: int, every: int) -> Html:
    cells = _cells(step, every)
    height = max(LEAST_HEIGHT, round(HEIGHT * step.disk_bytes / largest))
    boxes = squarify([cell.disk_bytes for cell in cells], WIDTH, height)
    drawn = [_draw(cell, box, height) for cell, box in zip(cells, boxes, strict=True)]
    heaviest = ", ".join(f"{cell.name} {human_bytes(cell.disk_bytes)}" for cell in cells[:5])
    return tag(
        "article",
        tag("h3", step.name, " ", tag("span", _sizes(step), class_="muted")),
        tag(
            "div",
            drawn,
            class_="map",
            style=f"height:{height}px",
            role="img",
            aria_label=f"Disk bytes of {step.name}: {heaviest}",
        ),
        _listed(step),
    )


def _sizes(step: StepReport) -> str:
    return f"{human_bytes(step.disk_bytes)} on disk, {human_bytes(step.content_bytes)} content"


def _cells(step: StepReport, every: int) -> list[_Cell]:
    """Return base, packages, and what is too small to be seen, the heaviest first."""
    shared = {name: layer.shared for layer in step.layers for name in layer.names}
    least = SMALLEST * step.disk_bytes
    cells, small, small_bytes = [], 0, 0
    for d in step.distributions:
        if d.disk_bytes >= least:
            kind = _kind(shared.get(d.name, 1), every)
            cells.append(_Cell(d.name, f"{d.name} {d.version}", d.disk_bytes, kind))
        else:
            small, small_bytes = small + 1, small_bytes + d.disk_bytes
    if small_bytes:
        cells.append(_Cell("…", counted(small, "small package"), small_bytes, "own"))
    rest = step.disk_bytes - sum(d.disk_bytes for d in step.distributions)
    if rest > 0:
        cells.append(_Cell("base", f"{step.base}, Python {step.python}", rest, "base"))
    return sorted(cells, key=lambda cell: -cell.disk_bytes)


def _kind(shared: int, every: int) -> str:
    if shared <= 1:
        return "own"
    return "most" if 2 * shared > every else "some"


def _draw(cell: _Cell, box: Box, height: int) -> Html:
    place = (box.x / WIDTH, box.y / height, box.width / WIDTH, box.height / height)
    left, top, wide, high = (f"{100 * share:.3f}%" for share in place)
    size = human_bytes(cell.disk_bytes)
    label: Node = None
    if box.width >= 34 and box.height >= 17:
        second = tag("small", size) if box.height >= 34 else None
        label = [tag("span", cell.name), second]
    return tag(
        "div",
        label,
        class_=f"cell {cell.kind}",
        style=f"left:{left};top:{top};width:{wide};height:{high}",
        title=f"{cell.title}: {size}",
    )


def _listed(step: StepReport) -> Node:
    rows = [
        tag("tr", tag("td", d.name), tag("td", d.version), tag("td", human_bytes(d.disk_bytes)))
        for d in step.distributions
    ]
    if not rows:
        return tag("p", "No Python packages beyond the base.", class_="muted")
    heads = [tag("th", head, scope="col") for head in ("Package", "Version", "Disk")]
    table = tag("table", tag("thead", tag("tr", heads)), tag("tbody", rows), class_="packages")
    return tag("details", tag("summary", counted(len(rows), "package")), table)
