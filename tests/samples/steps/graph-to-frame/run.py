from step import edges

assert edges([("a", "b"), ("b", "c")], "e.csv") == 2
