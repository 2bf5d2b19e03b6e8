from step import evaluate

assert evaluate("x**2 + 1", [0, 2]) == [1.0, 5.0]
