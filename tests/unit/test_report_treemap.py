import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfslim.report.html.treemap import squarify

SIZES = st.lists(st.integers(1, 10**10), min_size=1, max_size=120).map(
    lambda sizes: sorted(sizes, reverse=True)
)


@given(SIZES)
def test_every_box_has_the_area_that_its_size_deserves(sizes):
    boxes = squarify(sizes, 360, 200)
    assert len(boxes) == len(sizes)
    for size, box in zip(sizes, boxes, strict=True):
        assert box.width * box.height == pytest.approx(size / sum(sizes) * 72000, rel=1e-3, abs=0.5)


@given(SIZES)
def test_boxes_stay_inside_and_do_not_overlap(sizes):
    boxes = squarify(sizes, 360, 200)
    for box in boxes:
        assert -1e-6 <= box.x <= box.x + box.width <= 360 + 1e-6
        assert -1e-6 <= box.y <= box.y + box.height <= 200 + 1e-6
    for index, one in enumerate(boxes):
        for other in boxes[index + 1 :]:
            across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
            down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
            assert min(across, down) < 1e-6


def test_equal_sizes_make_squares():
    for box in squarify([1, 1, 1, 1], 200, 200):
        assert (box.width, box.height) == (100, 100)


def test_the_example_of_the_paper():
    boxes = squarify([6, 6, 4, 3, 2, 2, 1], 6, 4)
    assert [round(box.width * box.height, 6) for box in boxes] == [6, 6, 4, 3, 2, 2, 1]
    assert (boxes[0].width, boxes[0].height) == (3, 2)
    assert max(max(b.width / b.height, b.height / b.width) for b in boxes) < 3


def test_nothing_gives_nothing():
    assert squarify([], 10, 10) == []
