from step import clean

assert clean('{"a": 1}') == {"a": 1.0}
