from step import read

assert read("a: 1", "yaml") == {"a": 1}
assert read("<a>1</a>", "xml") == {"a": "1"}
