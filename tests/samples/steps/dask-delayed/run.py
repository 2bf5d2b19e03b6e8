from step import total

assert total(4) == 14
