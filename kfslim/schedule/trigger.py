"""When a schedule runs, checked before anything is sent.

The backend parses cron by robfig/cron v1: six fields, seconds FIRST; given five it would take the
minutes of a Unix crontab for seconds.  So five fields get a ``0`` for seconds here.
"""

from __future__ import annotations

import re

from kfslim.errors import InputError
from kfslim.schedule.model import Trigger

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
# name, lowest, highest, names of the numbers from the lowest on
_FIELDS: tuple[tuple[str, int, int, list[str]], ...] = (
    ("second", 0, 59, []),
    ("minute", 0, 59, []),
    ("hour", 0, 23, []),
    ("day of month", 1, 31, []),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 6, _DAYS),
)
_WORDS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_RANGE = re.compile(r"([*?]|[0-9A-Za-z]+(?:-[0-9A-Za-z]+)?)(?:/(\d+))?\Z")
_INTERVAL = re.compile(r"(\d+)\s*([smhd]?)\Z")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_EXAMPLE = 'Example: "0 3 * * *" is every day at three, in the time zone of the backend.'


def make_trigger(cron: str | None, every: str | None) -> Trigger:
    """Return the trigger for a cron expression or an interval like ``6h``.

    Raises:
        InputError: neither or both are given, or it is malformed.
    """
    if bool(cron) == bool(every):
        raise InputError("say when: either --cron or --every", hint=_EXAMPLE)
    return Trigger(cron=_cron(cron)) if cron else Trigger(seconds=_interval(every or ""))


def _interval(text: str) -> int:
    found = _INTERVAL.match(text.strip())
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not seconds:
        raise InputError(f"{text!r} is no interval", hint="Example: 30m, 6h, 1d.")
    return seconds


def _cron(text: str) -> str:
    words = text.split()
    if len(words) == 1 and words[0] in _WORDS:
        return words[0]
    if len(words) == 5:
        words.insert(0, "0")
    if len(words) != len(_FIELDS):
        raise InputError(f"{text!r} is no cron expression: five or six fields", hint=_EXAMPLE)
    for word, (name, low, high, names) in zip(words, _FIELDS, strict=True):
        for part in word.split(","):
            if not _is_range(part, low, high, names):
                raise InputError(
                    f"{text!r} is no cron expression: {part!r} is no {name}", hint=_EXAMPLE
                )
    return " ".join(words)


def _is_range(part: str, low: int, high: int, names: list[str]) -> bool:
    found = _RANGE.match(part)
    if not found or found[2] == "0":
        return False
    if found[1] in "*?":
        return True
    ends = [_number(end, low, names) for end in found[1].split("-")]
    return all(low <= end <= high for end in ends) and ends == sorted(ends)


def _number(text: str, low: int, names: list[str]) -> int:
    if text.isdigit():
        return int(text)
    return low + names.index(text.upper()) if text.upper() in names else -1
