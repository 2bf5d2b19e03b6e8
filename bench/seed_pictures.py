"""Pictures of the seed's story, from what ``python -m bench seed_story --json FILE`` measured.

They follow the reader's light or dark setting, and say every number that they draw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kfslim.report.html.markup import Html, Node, tag
from kfslim.report.html.treemap import Box, squarify
from kfslim.report.sizes import human_bytes, human_seconds

WIDTH, LABELS, AMOUNTS = 800, 220, 120  # px: the picture, names on the left, numbers on the right
ROW, BAR, TOP = 30, 18, 64
LETTER = 8.2  # px: the width of most
SMALLEST = 0.006  # of the image: what is smaller is drawn as one
SCENARIOS = {
    "cold": "from nothing",
    "code": "a change in the code",
    "dependency": "another version of one dependency",
    "nothing": "nothing changed",
}
_STYLE = """
text { font: 15px system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; \
fill: #24292f; }
.title { font-size: 18px; font-weight: 600; } .muted { fill: #59636e; }
.old { fill: #9aa3ad; } .new { fill: #2b8a83; } .other { fill: #6f9fc8; }
.in { font-size: 14px; fill: #14181c; } .cell { stroke: #fff; stroke-width: 1.5; }
.gone { fill: #c9ced4; } .rest { fill: #e6e8eb; } .kept { fill: #6cc4b7; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; } .muted { fill: #9aa5b1; } .old { fill: #7c8793; } .new { fill: #3fb3a9; }
.other { fill: #5b8fbd; } .cell { stroke: #0d1117; }
.gone { fill: #8a939d; } .rest { fill: #aab2ba; } .kept { fill: #3f9d91; }
}"""


class Bar(NamedTuple):
    """One bar and the words behind it; without a ``value`` a heading of those that follow."""

    label: str
    value: float | None
    words: str
    kind: str


def content_picture(story: Mapping[str, Any]) -> Html:
    """Draw the content bytes of every image, the article's above kfslim's steps."""
    bars = []
    for road in story["roads"]:
        if road["name"] in ("first", "last"):
            (image,) = road["images"].values()
            bars.append(_bytes_bar(f"{road['name']} Dockerfile", image["content_bytes"], "old"))
        elif road["name"] == "kfslim":
            for step, image in road["images"].items():
                bars.append(_bytes_bar(step, image["content_bytes"], "new"))
            if road["content_bytes"]:
                bars.append(_bytes_bar("all six together", road["content_bytes"], "new"))
    return _bars("Content: what a node pulls for a step", "one image for all steps above, "
                 "kfslim's image of each step below", bars)  # fmt: skip


def build_picture(story: Mapping[str, Any]) -> Html:
    """Draw how long every road takes until all images are in the registry."""
    kinds = {"first": "old", "last": "old", "kfslim": "new"}
    bars: list[Bar] = []
    for scenario, words in SCENARIOS.items():
        bars.append(Bar(words, None, "", "muted"))
        for road in story["roads"]:
            if made := road["made"].get(scenario):
                took = made["seconds"]
                kind = kinds.get(road["name"], "other")
                bars.append(Bar(short_title(road), took, human_seconds(took), kind))
    return _bars("Until all is in the registry", "seconds of build and push", bars)


def short_title(road: Mapping[str, Any]) -> str:
    """Return what a road is called beside its bar."""
    if road["name"] in ("first", "last"):
        return f"{road['name']} Dockerfile"
    return str(road["title"]).replace(" --builder", ",")


def map_picture(story: Mapping[str, Any]) -> Html | None:
    """Draw what lies on the disk in the heaviest of the article's images that was built.

    What one of kfslim's steps has as well is marked.
    """
    roads = {road["name"]: road for road in story["roads"]}
    road = roads.get("first") or roads.get("last")
    if not road:
        return None
    (image,) = road["images"].values()
    steps = roads["kfslim"]["images"].values() if "kfslim" in roads else ()
    used = {name for held in steps for name, _ in held["heaviest"]}
    cells = _cells(image, used)
    height = 440
    boxes = squarify([size for _, size, _ in cells], WIDTH, height)
    drawn = [_cell(cell, box) for cell, box in zip(cells, boxes, strict=True)]
    title = f"On the disk: {human_bytes(image['disk_bytes'])} of the {road['name']} Dockerfile"
    kinds = ("kept", "some step has it"), ("gone", "no step has it"), ("rest", "the rest")
    legend = [
        (_rectangle(Box(160 * n, 36, 14, 14), kind), _text(160 * n + 20, 48, words))
        for n, (kind, words) in enumerate(kinds)
    ]
    return _picture(
        TOP + height, title, "", [legend, tag("g", drawn, transform=f"translate(0 {TOP})")]
    )


def _cells(image: Mapping[str, Any], used: set[str]) -> list[tuple[str, int, str]]:
    """Return distributions, and what is too small or no distribution, the heaviest first."""
    least = SMALLEST * image["disk_bytes"]
    large = [(name, size) for name, size in image["heaviest"] if size >= least]
    small = [size for _, size in image["heaviest"] if 0 < size < least]
    cells = [(name, size, "kept" if name in used else "gone") for name, size in large]
    cells.append((f"{len(small)} smaller packages", sum(small), "rest"))
    rest = image["disk_bytes"] - sum(size for _, size in image["heaviest"])
    cells.append(("base, system packages, project", rest, "rest"))
    return sorted((cell for cell in cells if cell[1] > 0), key=lambda cell: -cell[1])


def _cell(cell: tuple[str, int, str], box: Box) -> Html:
    name, size, kind = cell
    label: list[Node] = []
    letters = int((box.width - 10) / LETTER)
    if letters >= 4 and box.height >= 22:
        shown = name if len(name) <= letters else name[: letters - 1] + "…"
        label.append(_text(box.x + 6, box.y + 18, shown, "in"))
        if box.height >= 42 and letters >= 7:
            label.append(_text(box.x + 6, box.y + 36, human_bytes(size), "in"))
    told = tag("title", f"{name}: {human_bytes(size)}")
    return tag("g", told, _rectangle(box, f"cell {kind}"), label)


def _bytes_bar(label: str, count: int, kind: str) -> Bar:
    return Bar(label, count, human_bytes(count), kind)


def _bars(title: str, subtitle: str, bars: Sequence[Bar]) -> Html:
    most = max((bar.value or 0.0 for bar in bars), default=0.0) or 1.0
    room = WIDTH - LABELS - AMOUNTS
    drawn: list[Node] = []
    for number, bar in enumerate(bars):
        y = TOP + number * ROW
        if bar.value is None:
            drawn.append(_text(0, y + 20, bar.label, bar.kind))
            continue
        long = max(2.0, room * bar.value / most)
        drawn += [
            _text(LABELS - 10, y + 15, bar.label, anchor="end"),
            _rectangle(Box(LABELS, y, long, BAR), bar.kind),
            _text(LABELS + long + 8, y + 15, bar.words),
        ]
    return _picture(TOP + ROW * len(bars), title, subtitle, drawn)


def _picture(height: float, title: str, subtitle: str, children: Node) -> Html:
    return tag(
        "svg",
        tag("title", title),
        tag("style", Html(_STYLE)),
        _text(0, 20, title, "title"),
        _text(0, 44, subtitle, "muted") if subtitle else None,
        children,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {height:g}",
        role="img",
        aria_label=title,
    )


def _text(x: float, y: float, words: str, kind: str = "", anchor: str | None = None) -> Html:
    return tag("text", words, x=f"{x:.1f}", y=f"{y:.1f}", class_=kind or None, text_anchor=anchor)


def _rectangle(box: Box, kind: str) -> Html:
    place = {name: f"{value:.1f}" for name, value in box._asdict().items()}
    return tag("rect", class_=kind, rx="2", **place)


def draw(story: Mapping[str, Any]) -> dict[str, str]:
    """Return the pictures by file name."""
    pictures = {
        "story-content.svg": content_picture(story),
        "story-builds.svg": build_picture(story),
        "story-disk.svg": map_picture(story),
    }
    return {name: f"{picture}\n" for name, picture in pictures.items() if picture}
