from step import fill

assert fill([0, 1, None, 27, 64]) == [0.0, 1.0, 8.0, 27.0, 64.0]
