from step import order

assert order([("b", "c"), ("a", "b")]) == ["a", "b", "c"]
