from datetime import date

import dateutil.parser
from dateutil.rrule import MONTHLY, rrule


def month_starts(first: str, count: int) -> list:
    start = dateutil.parser.parse(first)
    return [day.date() for day in rrule(MONTHLY, count=count, dtstart=start)]


def last(first: str, count: int) -> date:
    return month_starts(first, count)[-1]
