from step import check

assert check([1, 2]) and not check([-1])
