from step import smooth

assert smooth([1, 2, 3]) == 2.0
