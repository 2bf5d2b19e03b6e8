from datetime import date

from step import last

assert last("2026-01-01", 3) == date(2026, 3, 1)
