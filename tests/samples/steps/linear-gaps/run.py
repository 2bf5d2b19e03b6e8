from step import fill

assert fill([0, None, 2]) == [0.0, 1.0, 2.0]
