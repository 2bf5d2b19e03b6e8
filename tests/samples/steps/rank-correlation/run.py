from step import drift

assert drift([1, 2, 3, 4], [2, 3, 4, 9]) == 1.0
