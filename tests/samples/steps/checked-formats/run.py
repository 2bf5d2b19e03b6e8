from step import is_valid

assert is_valid({"at": "2026-01-01T00:00:00Z"})
assert not is_valid({"at": "yesterday"})
