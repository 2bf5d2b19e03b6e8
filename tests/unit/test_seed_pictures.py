"""The pictures of docs/the-story.md: drawn from numbers, readable, the same every time."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"
LEAST_TEXT = 14  # px at a width of 800


def load(name: str):
    spec = importlib.util.spec_from_file_location(name, ROOT / f"bench/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


pictures = load("seed_pictures")


def image(content: int, disk: int, **packages: int) -> dict:
    heaviest = sorted(map(list, packages.items()), key=lambda one: -one[1])
    return {"content_bytes": content, "disk_bytes": disk, "heaviest": heaviest}


def made(seconds: float) -> dict:
    return {"seconds": seconds, "parts": {"build": seconds}, "pushed_bytes": 1}


def road(name: str, title: str, images: dict, together: int | None = None, **seconds) -> dict:
    scenarios = {scenario: made(value) for scenario, value in seconds.items()}
    return {"name": name, "title": title, "images": images, "made": scenarios,
            "content_bytes": together}  # fmt: skip


FIRST = image(3_000_000, 8_000_000, torch=5_000_000, numpy=1_000_000, six=1_000)
STORY = {
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
    ]
}


@pytest.fixture(scope="module")
def drawn() -> dict[str, ElementTree.Element]:
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
    cold, slim, again = widths(drawn["story-builds.svg"])
    assert slim / cold == pytest.approx(0.1, rel=0.01)
    assert again == 2.0  # the least that can be seen
    assert {"10 min 0 s", "60 s", "0.50 s"} <= set(words(drawn["story-builds.svg"]))


def test_the_map_covers_the_disk_and_marks_what_steps_use(drawn):
    boxes = list(drawn["story-disk.svg"].iter(f"{SVG}rect"))[2:]  # after the legend
    area = {box.get("class"): 0.0 for box in boxes}
    for box in boxes:
        area[box.get("class")] += float(box.get("width")) * float(box.get("height"))
    assert area["cell kept"] / sum(area.values()) == pytest.approx(1 / 8, rel=0.02)
    assert "torch" in words(drawn["story-disk.svg"])


def test_what_was_not_built_is_not_drawn():
    slim = {"roads": STORY["roads"][1:]}
    assert set(pictures.draw(slim)) == {"story-content.svg", "story-builds.svg"}


def test_text_is_large_enough_and_nothing_leaves_the_picture(drawn):
    for name, picture in drawn.items():
        style = picture.find(f"{SVG}style").text
        assert min(map(int, re.findall(r"(\d+)px", style))) >= LEAST_TEXT, name
        assert "prefers-color-scheme: dark" in style, name
        _, _, wide, high = map(float, picture.get("viewBox").split())
        for text in picture.iter(f"{SVG}text"):
            assert 0 <= float(text.get("x")) <= wide - 20, (name, text.text)
            assert 0 <= float(text.get("y")) <= high, (name, text.text)


def test_files_are_written(tmp_path):
    import json

    (tmp_path / "story.json").write_text(json.dumps(STORY))
    pictures.main([str(tmp_path / "story.json"), "-o", str(tmp_path / "images")])
    written = {path.name: path.read_text() for path in (tmp_path / "images").iterdir()}
    assert written == pictures.draw(STORY)
