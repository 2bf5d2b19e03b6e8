from step import balance

assert balance([0, 0, 0, 1]) == 6
