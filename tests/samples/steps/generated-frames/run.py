from step import check

assert check()
