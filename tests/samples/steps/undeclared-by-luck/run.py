from step import age

assert age("2026-01-01") == 2026
