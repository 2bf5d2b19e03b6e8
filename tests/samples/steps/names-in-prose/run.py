from step import score

assert score([1, 0], [1, 1]) == 0.5
