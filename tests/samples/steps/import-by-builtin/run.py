from step import decode

assert decode('{"a": 1}') == {"a": 1}
