from step import encode

assert encode([{"a": 1}]) == '[{"a":1}]'
