"""The tables of the seed's story, from what was measured; and docs/the-story.md filled with them.

``python -m bench.seed_page FILE`` writes every block of the page that stands between
``<!-- measured: NAME -->`` and ``<!-- end -->``, and the pictures beside it.  What stands in the
page otherwise has no number of a run in it.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.seed_pictures import draw
from bench.show import mb, seconds, table_text, verdict

MB = 1_000_000
ALL = "all steps"  # of an image that serves every one
SCENARIOS = {
    "cold": "cold",
    "code": "code change",
    "dependency": "one dependency",
    "nothing": "nothing changed",
}
HEAVIEST = 10  # distributions that are named
_BLOCK = re.compile(r"(<!-- measured: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
Story = Mapping[str, Any]
Road = Mapping[str, Any]


def blocks(story: Story) -> dict[str, str]:
    """Return all that is told of a run, as Markdown by name."""
    found = {road["name"]: road for road in story["roads"]}
    told = {
        "machine": f"{story['machine']}.",
        "images": images(story["roads"], first_bytes(story)),
        "starts": starts(story["roads"]),
        "builds": builds(story["roads"]),
        "parts": parts(story["roads"]),
        "contexts": contexts(story["contexts"]),
        "targets": "\n".join(targets(story)),
    }
    for name in ("first", "last"):
        if name in found:
            told[f"history-{name}"] = f"```text\n{history(found[name]['history'])}\n```"
            told[f"heaviest-{name}"] = heaviest(found[name])
    return told


def first_bytes(story: Story) -> int | None:
    """Return the content bytes of the first image; None where it was left out."""
    found = (r["images"][ALL]["content_bytes"] for r in story["roads"] if r["name"] == "first")
    return next(found, None)


def images(roads: Sequence[Road], first: int | None) -> str:
    """Return a row per image: what it weighs."""
    head = ("image", "content", "beside the first", "disk", "docker images", "packages")
    rows = []
    for road in roads:
        anyone = next(iter(road["started"].values()))
        for step, held in road["images"].items():
            content, listed = held["content_bytes"], road["started"].get(step, anyone)["listed"]
            rows.append((f"{road['title']}: {step}", mb(content), smaller(content, first),
                         mb(held["disk_bytes"]), listed, str(held["packages"])))  # fmt: skip
        if content := road["content_bytes"]:
            name = f"{road['title']}: all together, shared layers once"
            rows.append((name, mb(content), smaller(content, first), "", "", ""))
    return table_text(head, rows)


def smaller(count: int, first: int | None) -> str:
    """Return by how much ``count`` is smaller than the first image."""
    return f"−{100 * (1 - count / first):.1f} %" if first and count != first else "-"


def starts(roads: Sequence[Road]) -> str:
    """Return a row per step and road: pull into an empty engine, start, start again."""
    rows = [
        (f"{road['title']}: {step}", *(seconds(one[what]) for what in ("pull", "first", "again")))
        for road in roads
        for step, one in road["started"].items()
    ]
    rows += [
        (f"{road['title']}: images of all steps", seconds(road["pull_all"]), "", "")
        for road in roads
        if len(road["images"]) > 1
    ]
    return table_text(("step", "pull", "first line", "again"), rows)


def builds(roads: Sequence[Road]) -> str:
    """Return a row per road: seconds until all is in the registry, and what was sent for it."""
    head = ["road", *SCENARIOS.values(), *(f"pushed: {words}" for words in SCENARIOS.values())]
    rows = []
    for road in roads:
        made = [road["made"].get(scenario) for scenario in SCENARIOS]
        rows.append((road["title"], *(seconds(one and one["seconds"]) for one in made),
                     *(mb(one and one["pushed_bytes"]) for one in made)))  # fmt: skip
    return table_text(head, rows)


def parts(roads: Sequence[Road]) -> str:
    """Return what the seconds of every road went to."""
    lines = []
    for road in roads:
        for scenario, words in SCENARIOS.items():
            made = road["made"].get(scenario)
            if made and len(made["parts"]) > 1:
                shares = ", ".join(f"{name} {seconds(s)}" for name, s in made["parts"].items())
                lines.append(f"- {road['title']}, {words}: {shares}")
    return "\n".join(lines)


def contexts(sent: Sequence[Mapping[str, Any]]) -> str:
    """Return a row per ignore file."""
    rows = [
        (one["what"], str(one["files"]), mb(one["stream_bytes"]), str(one["secrets"]))
        for one in sent
    ]
    return table_text(("context", "files", "sent", "secrets"), rows)


def history(text: str) -> str:
    """Return what ``docker history`` tells, no line too long for a page."""
    return "\n".join(line.replace(" # buildkit", "")[:100].rstrip() for line in text.splitlines())


def heaviest(road: Road) -> str:
    """Return the heaviest distributions of the one image of a road."""
    named = road["images"][ALL]["heaviest"][:HEAVIEST]
    return table_text(("distribution", "disk"), [(name, mb(size)) for name, size in named])


def targets(story: Story) -> Iterator[str]:
    """Yield every target as met or missed."""
    kfslim = next((road for road in story["roads"] if road["name"] == "kfslim"), None)
    if kfslim is None:
        return
    sizes = {step: held["content_bytes"] for step, held in kfslim["images"].items()}
    heavy = max(sizes, key=lambda step: sizes[step])
    if first := first_bytes(story):
        least = 100 * (1 - sizes[heavy] / first)
        what = f"every step smaller than the first image, {heavy} the least"
        yield verdict(what, least, ">=", 95, " %")
    else:
        yield "-         beside the first image: it was left out"
    yield verdict(f"the heaviest step, {heavy}", sizes[heavy] / MB, "<=", 150, " MB")
    yield verdict("median step", statistics.median(sizes.values()) / MB, "<=", 90, " MB")
    yield verdict("all steps together", kfslim["content_bytes"] / MB, "<=", 200, " MB")


def fill(page: str, told: Mapping[str, str]) -> str:
    """Return the page with its blocks written anew; a block that a run has nothing for stays."""

    def written(block: re.Match[str]) -> str:
        text = told.get(block[2])
        return block[0] if text is None else f"{block[1]}\n{text}\n\n{block[3]}"

    return _BLOCK.sub(written, page)


def main(words: Iterable[str] | None = None) -> None:
    """Write page and pictures."""
    parser = argparse.ArgumentParser(prog="python -m bench.seed_page", description=__doc__)
    parser.add_argument("file", type=Path, help="what seed_story --json wrote")
    parser.add_argument("--page", type=Path, default=Path("docs/the-story.md"))
    options = parser.parse_args(list(words) if words is not None else None)
    story = json.loads(options.file.read_text("utf-8"))
    page = options.page.read_text("utf-8")
    options.page.write_text(fill(page, blocks(story)), "utf-8")
    folder = options.page.with_name("images")
    folder.mkdir(exist_ok=True)
    for name, picture in draw(story).items():
        (folder / name).write_text(picture, "utf-8")


if __name__ == "__main__":
    main()
