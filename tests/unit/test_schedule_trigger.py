"""Cron and intervals, as the backend will read them."""

from __future__ import annotations

import pytest

from kfslim.errors import InputError
from kfslim.schedule.trigger import make_trigger


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("0 3 * * *", "0 0 3 * * *"),
        ("30 0 3 * * *", "30 0 3 * * *"),
        ("*/15 8-18 ? JAN-MAR mon-fri", "0 */15 8-18 ? JAN-MAR mon-fri"),
        ("0,30 0 1,15 * 0", "0 0,30 0 1,15 * 0"),
        ("@daily", "@daily"),
    ],
)
def test_a_crontabs_line_gets_its_seconds(given, sent):
    assert make_trigger(given, None).cron == sent


@pytest.mark.parametrize(
    "wrong",
    ["", "* * *", "61 * * * *", "0 24 * * *", "0 3 0 * *", "0 3 * 13 *", "0 3 * * 7", "*/0 * * * *",
     "5-1 * * * *", "@sometimes", "0 3 * * MONDAY", "0 3 * * * * *"],
)  # fmt: skip
def test_what_the_backend_would_refuse_is_refused_before(wrong):
    with pytest.raises(InputError):
        make_trigger(wrong, None)


@pytest.mark.parametrize(
    ("given", "seconds"), [("90", 90), ("30m", 1800), ("6h", 21600), ("1d", 86400)]
)
def test_intervals(given, seconds):
    assert make_trigger(None, given).seconds == seconds


@pytest.mark.parametrize(
    ("cron", "every"), [(None, None), ("@daily", "6h"), (None, "0h"), (None, "x")]
)
def test_exactly_one_right_way_to_say_when(cron, every):
    with pytest.raises(InputError):
        make_trigger(cron, every)
