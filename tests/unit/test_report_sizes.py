import pytest

from kfslim.report.sizes import change, counted, human_bytes, human_seconds, maybe_bytes


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (5_800_000, "5.80 MB"),
        (9_996_000, "10.0 MB"),
        (21_310_000, "21.3 MB"),
        (99_960_000, "100 MB"),
        (354_000_000, "354 MB"),
        (999_600_000, "1.00 GB"),
        (3_480_000_000, "3.48 GB"),
        (12_345_000_000_000_000, "12345 TB"),
    ],
)
def test_bytes_have_three_digits_in_decimal_units(count, text):
    assert human_bytes(count) == text


def test_what_was_not_measured_is_a_dash():
    assert maybe_bytes(None) == "–"
    assert maybe_bytes(0) == "0 B"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.041, "0.04 s"), (0.999, "1.0 s"), (4.24, "4.2 s"), (41.6, "42 s"), (200, "3 min 20 s")],
)
def test_seconds(seconds, text):
    assert human_seconds(seconds) == text


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [(100, 11, "−89 %"), (100, 103, "+3 %"), (1000, 1001, "±0 %"), (0, 5, "")],
)
def test_change(before, after, text):
    assert change(before, after) == text


def test_nouns_have_a_plural():
    assert (counted(1, "step"), counted(1204, "file")) == ("1 step", "1,204 files")
