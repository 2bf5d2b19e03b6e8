from step import double

assert double([1, 2]) == [2, 4]
