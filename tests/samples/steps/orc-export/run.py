from step import export

assert export({"a": [1, 2, 3]}, "t.orc") == 3
