"""Tables and pictures of docs/the-story.md: made from numbers, readable, the same every time."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"
LEAST_TEXT = 14  # px at a width of 800
WIDEST = 7.5  # px: a letter, on average


@pytest.fixture(scope="module", autouse=True)
def importable():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        yield


@pytest.fixture(scope="module")
def bench(importable):
    from bench import seed_page, seed_pictures

    return seed_page, seed_pictures


def image(content: int, disk: int, **packages: int) -> dict:
    heaviest = sorted(map(list, packages.items()), key=lambda one: -one[1])
    return {"content_bytes": content, "disk_bytes": disk, "heaviest": heaviest, "packages": 3}


def made(seconds: float) -> dict:
    return {"seconds": seconds, "parts": {"build": seconds}, "pushed_bytes": 1}


def road(name: str, title: str, images: dict, together: int | None = None, **seconds) -> dict:
    scenarios = {scenario: made(value) for scenario, value in seconds.items()}
    started = {step: {"pull": 2.0, "first": 1.5, "again": 1.0, "listed": "8MB"} for step in images}
    return {"name": name, "title": title, "images": images, "made": scenarios, "started": started,
            "content_bytes": together, "pull_all": 9.0, "history": HISTORY}  # fmt: skip


HISTORY = "SIZE  CREATED BY\n6GB   RUN pip install # buildkit"
FIRST = image(3_000_000, 8_000_000, torch=5_000_000, numpy=1_000_000, six=1_000)
STORY = {
    "machine": "CPU",
    "contexts": [{"what": "none", "files": 3, "stream_bytes": 10_240, "secrets": 1}],
    "roads": [
        road("first", "the first Dockerfile", {"all steps": FIRST}, cold=600.0),
        road(
            "kfslim",
            "kfslim slim",
            {"a<b": image(150_000, 400_000, numpy=1_000_000)},
            150_000,
            cold=60.0,
            nothing=0.5,
        ),
        road("build-daemonless", "kfslim build --builder daemonless", {"a<b": FIRST}, code=300.0),
    ],
}


@pytest.fixture(scope="module")
def drawn(bench) -> dict[str, ElementTree.Element]:
    _, pictures = bench
    return {name: ElementTree.fromstring(text) for name, text in pictures.draw(STORY).items()}


def words(picture: ElementTree.Element) -> list[str]:
    return [text.text for text in picture.iter(f"{SVG}text")]


def widths(picture: ElementTree.Element) -> list[float]:
    return [float(box.get("width")) for box in picture.iter(f"{SVG}rect")]


def test_bars_are_in_proportion_and_say_their_numbers(drawn):
    first, step, together = widths(drawn["story-content.svg"])
    assert step / first == pytest.approx(0.05, rel=0.01)
    assert step == together
    assert {"3.00 MB", "150 kB", "a<b"} <= set(words(drawn["story-content.svg"]))
    cold, slim, built, again = widths(drawn["story-builds.svg"])
    assert slim / cold == pytest.approx(0.1, rel=0.01)
    assert built / cold == pytest.approx(0.5, rel=0.01)
    assert again == 2.0  # the least that can be seen
    assert {"10 min 0 s", "60 s", "0.50 s"} <= set(words(drawn["story-builds.svg"]))


def test_the_map_covers_the_disk_and_marks_what_steps_use(drawn):
    boxes = list(drawn["story-disk.svg"].iter(f"{SVG}rect"))[2:]  # after the legend
    area = {box.get("class"): 0.0 for box in boxes}
    for box in boxes:
        area[box.get("class")] += float(box.get("width")) * float(box.get("height"))
    assert area["cell kept"] / sum(area.values()) == pytest.approx(1 / 8, rel=0.02)
    assert "torch" in words(drawn["story-disk.svg"])


def test_what_was_not_built_is_neither_drawn_nor_judged(bench):
    page, pictures = bench
    slim = STORY | {"roads": STORY["roads"][1:]}
    assert set(pictures.draw(slim)) == {"story-content.svg", "story-builds.svg"}
    assert "it was left out" in page.blocks(slim)["targets"]


def test_text_is_large_enough_and_nothing_leaves_the_picture(drawn):
    for name, picture in drawn.items():
        style = picture.find(f"{SVG}style").text
        assert min(map(int, re.findall(r"(\d+)px", style))) >= LEAST_TEXT, name
        assert "prefers-color-scheme: dark" in style, name
        _, _, wide, high = map(float, picture.get("viewBox").split())
        for text in picture.iter(f"{SVG}text"):
            assert 0 <= float(text.get("x")) <= wide - 20, (name, text.text)
            assert 0 <= float(text.get("y")) <= high, (name, text.text)
            if text.get("text-anchor") == "end":
                assert float(text.get("x")) >= WIDEST * len(text.text), (name, text.text)


def test_tables_tell_what_was_measured(bench):
    told = bench[0].blocks(STORY)
    assert "| the first Dockerfile: all steps " in told["images"]
    assert re.search(r"kfslim slim: a<b +\| +0.15 MB \| +−95.0 %", told["images"])
    assert re.search(r"kfslim slim +\| +60.0 s \| +- \| +- \| +0.50 s ", told["builds"])
    assert re.search(r"a<b +\| +2.00 s \| +1.50 s \| +1.00 s", told["starts"])
    assert "- met     every step smaller than the first image, a<b the least" in told["targets"]
    assert told["history-first"] == "```text\nSIZE  CREATED BY\n6GB   RUN pip install\n```"


def test_the_page_is_filled_where_it_says_so(bench, tmp_path):
    page = tmp_path / "the-story.md"
    page.write_text("# Told\n<!-- measured: targets -->\nold\n<!-- end -->\nkept\n")
    (tmp_path / "story.json").write_text(json.dumps(STORY))
    for _ in range(2):
        bench[0].main([str(tmp_path / "story.json"), "--page", str(page)])
    text = page.read_text()
    assert text.startswith("# Told\n<!-- measured: targets -->\n\n- met ")
    assert text.endswith("\n\n<!-- end -->\nkept\n")
    written = {path.name: path.read_text() for path in (tmp_path / "images").iterdir()}
    assert written == bench[1].draw(STORY)


def test_every_block_of_the_page_is_measured(bench):
    named = set(
        re.findall(r"<!-- measured: ([\w-]+) -->", (ROOT / "docs/the-story.md").read_text())
    )
    last = STORY["roads"][0] | {"name": "last"}
    assert named <= set(bench[0].blocks(STORY | {"roads": [*STORY["roads"], last]}))
